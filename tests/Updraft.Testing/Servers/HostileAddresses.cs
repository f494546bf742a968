namespace Updraft.Testing;

/// <summary>URLs that must not become links or redirects, generated from known tricks and their spellings.</summary>
internal static class HostileAddresses
{
    /// <summary>URLs that run a script or open a local resource, in spellings that some parsers accept.</summary>
    public static IEnumerable<string> WithUnsafeScheme() =>
        from scheme in (string[])["javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "ws", "ms-excel"]
        from spelling in Spellings(scheme)
        from rest in (string[])[":alert(1)", "://git.example/%0aalert(1)", ":text/html,<script>alert(1)</script>", ":https://git.example/"]
        select spelling + rest;

    /// <summary>HTTPS URLs with white space in or around them, which some parsers ignore and others reject.</summary>
    public static IEnumerable<string> WithHiddenCharacters() =>
        from white in (string[])[" ", "\t", "\n", "\r\n", "\f", "\u00a0", "\u2003", "\u2028", "\u3000"]
        from url in (string[])
        [
            "{0}https://git.example/", "https://git.example/{0}", "ht{0}tps://git.example/", "https{0}://git.example/",
            "https:/{0}/git.example/", "https://git{0}.example/",
        ]
        select url.Replace("{0}", white, StringComparison.Ordinal);

    /// <summary>Values of <c>returnTo</c> that some browser resolves to another site.</summary>
    public static IEnumerable<string> OfOtherSites() =>
        from start in (string[])
        [
            "", "/", "//", "///", "////", "\\", "\\\\", "/\\", "\\/", "/\\/", "/\t/", "/\n/", "/\r/", "\t//", "\n//", " //", "\u00a0//",
            "\u3000//", "/.//",
            "/..//", "/%2f", "/%5c", "/%09/",
            "/;//", "/@", "/:", "http:", "http:/", "http://", "https:", "HtTpS://", "https:\\\\", "ht\ntps://", "//user:secret@", "ftp://",
            "javascript:",
            "data:,", "\u2215\u2215", "\uff0f\uff0f", "/\u2028/",
        ]
        from host in (string[])
        [
            "evil.example", "evil.example/deployments", "127.0.0.1@evil.example", "evil.example#@127.0.0.1", "evil.example?127.0.0.1",
            "evil\u3002example",
            "evil%2eexample", "[::ffff:6666]",
            "1684300900", "/evil.example", "\\evil.example",
        ]
        select start + host;

    private static IEnumerable<string> Spellings(string scheme)
    {
        yield return scheme;
        yield return scheme.ToUpperInvariant();
        yield return string.Concat(scheme.Select((c, i) => i % 2 == 0 ? char.ToUpperInvariant(c) : c));
        foreach (var noise in (string[])[" ", "\t", "\n", "\r", "\u0001", "\u001f", "\u00a0", "\u200b", "\ufeff", "/", "\\"])
            yield return noise + scheme;
        foreach (var noise in (string[])["\t", "\n", "\r", "\u00ad", "&Tab;", "&#10;", "%09"])
            yield return scheme.Insert(2, noise);
        foreach (var noise in (string[])["\t", "\n", " ", "&colon;", "%3a"])
            yield return scheme + noise;
    }
}
