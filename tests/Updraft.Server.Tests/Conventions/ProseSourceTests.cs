namespace Updraft.Server.Tests.Conventions;

/// <summary>The readers of C#, Razor, scripts and Markdown find the texts, and nothing else.</summary>
public sealed class ProseSourceTests
{
    [Fact]
    public void The_checkout_has_texts_of_every_kind()
    {
        foreach (var kind in Enum.GetValues<ProseKinds>().Where(kind => int.PopCount((int)kind) == 1))
            Assert.True(ProseTree.Texts.Count(text => text.Kind == kind) > 50, $"Hardly a {kind} was found below {ProseTree.Root}.");
    }

    [Fact]
    public void Strings_are_read_with_holes_escapes_and_joins()
    {
        var code = ProseCSharp.Parse("a.cs", """"
            var a = "first " + $"second {x.Select(y => $"inner {y}")} third";
            var b = @"verbatim ""quoted"" text"; var c = '"'; var d = "";
            var e = $$"""
                raw "text" {{a}} {b}
                """;
            """");
        Assert.Equal(["first second X third", "inner X", "verbatim \"quoted\" text", "raw \"text\" X {b}"], code.Strings.Select(text => text.Text.Trim()));
        Assert.Equal([1, 1, 2, 3], code.Strings.Select(text => text.Line));
    }

    [Fact]
    public void Comments_are_read_without_code_and_tags()
    {
        var code = ProseCSharp.Parse("a.cs", "var url = \"http://no.comment\"; // one\n\n/// <summary>See <see cref=\"A\"/> of\n/// <c>beside</c> it.</summary>\nint b; /* two */");
        Assert.Equal([" one", " two "], code.Comments.Where(text => text.Text.Length < 10).Select(text => text.Text));
        var summary = Assert.Single(code.Comments, text => text.Text.Length >= 10);
        Assert.DoesNotContain("beside", summary.Text, StringComparison.Ordinal);
        Assert.Equal(4, summary.LineAt(summary.Text.IndexOf("it.", StringComparison.Ordinal)));
    }

    [Fact]
    public void Pages_are_read_without_code_and_markup()
    {
        var page = ProseRazor.Parse("a.razor", """
            @inject TokenQueries Queries
            <h1 title="Shown here" class="not shown">Hello <b>you</b>, @Model.Name(a, ">")!</h1>
            @if (_count > 0)
            {
                var hidden = _count + 1;
                <p>@(IsNew ? "Brand new" : "old") &nbsp;thing</p>
            }
            @code {
                private string Said => "It is said."; // why
            }
            """);
        Assert.Equal(["Brand new", "Hello you, X!", "It is said.", "Shown here", "X thing"],
            page.Texts.Select(text => string.Join(' ', text.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries))).Order(StringComparer.Ordinal));
        Assert.Equal(" why", Assert.Single(page.Comments).Text);
    }

    [Fact]
    public void Scripts_are_read_by_comment_message_and_help()
    {
        var script = ProseScript.Parse("run", "#!/bin/sh\n# one\n# two\necho \"three $x\" # four\ncat <<'HELP'\nfive\nHELP\nsix \"seven\"\n");
        Assert.Equal([" one\n two", "three XX", "four", "five"], script.Select(text => text.Text));
        Assert.Equal([2, 4, 4, 6], script.Select(text => text.Line));
    }

    [Fact]
    public void Markdown_is_read_without_code_targets_and_comments()
    {
        var page = ProseMarkdown.Parse("a.md", "# A `b` title\n\n> **How-to.** For\n> you.\n\n```bash run\nbeside\n```\n<!-- folder -->\n- [text](folder.md)\n\n| `a|b` | c |\n| --- | --- |\n");
        Assert.Equal(["A XXX title", "How-to. For you.", "text", "XXXXX", "c"], page.Units.Select(unit => string.Join(' ', unit.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries))));
        Assert.Equal(("bash", "run", 6, "beside"), (page.Fences[0].Language, page.Fences[0].Marker, page.Fences[0].Line, page.Fences[0].Content));
        Assert.Equal(("folder.md", 10), (page.Links[0].Target, page.Links[0].Line));
        Assert.Equal("a-b-title", page.Headings[0].Anchor);
    }
}
