namespace Updraft.Testing;

/// <summary>Addresses that must lead nowhere, put together from their parts: the tricks are known, the spellings are made here.</summary>
internal static class HostileAddresses
{
    /// <summary>What a browser would run, or open on the reader's machine, in the spellings that some parser forgives.</summary>
    public static IEnumerable<string> ThatRun() =>
        from scheme in (string[])["javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "ws", "ms-excel"]
        from spelling in Spellings(scheme)
        from rest in (string[])[":alert(1)", "://git.example/%0aalert(1)", ":text/html,<script>alert(1)</script>", ":https://git.example/"]
        select spelling + rest;

    /// <summary>Addresses of the web with something in or around them that one parser drops and another one does not.</summary>
    public static IEnumerable<string> OfTheWebInDisguise() =>
        from white in (string[])[" ", "\t", "\n", "\r\n", "\f", "\u00a0", "\u2003", "\u2028", "\u3000"]
        from address in (string[])["{0}https://git.example/", "https://git.example/{0}", "ht{0}tps://git.example/", "https{0}://git.example/", "https:/{0}/git.example/", "https://git{0}.example/"]
        select address.Replace("{0}", white, StringComparison.Ordinal);

    /// <summary>Where a sign-in could be asked to lead, each of which is another site to some browser.</summary>
    public static IEnumerable<string> OfOtherSites() =>
        from start in (string[])
        [
            "", "/", "//", "///", "////", "\\", "\\\\", "/\\", "\\/", "/\\/", "/\t/", "/\n/", "/\r/", "\t//", "\n//", " //", "\u00a0//", "\u3000//", "/.//",
            "/..//", "/%2f", "/%5c", "/%09/",
            "/;//", "/@", "/:", "http:", "http:/", "http://", "https:", "HtTpS://", "https:\\\\", "ht\ntps://", "//user:secret@", "ftp://", "javascript:",
            "data:,", "\u2215\u2215", "\uff0f\uff0f", "/\u2028/",
        ]
        from host in (string[])
        [
            "evil.example", "evil.example/deployments", "127.0.0.1@evil.example", "evil.example#@127.0.0.1", "evil.example?127.0.0.1", "evil\u3002example",
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
