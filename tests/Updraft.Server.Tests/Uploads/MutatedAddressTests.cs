using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Updraft.Server.Tests.Uploads;

/// <summary>
/// A mutated upload URL is rejected, unless it equals the original URL after decoding.
/// <c>UPDRAFT_FUZZ_URLS</c> sets the number of mutations (default 5,000), <c>UPDRAFT_FUZZ_SEED</c> repeats a run.
/// </summary>
[Trait("Database", "any")]
public sealed class MutatedAddressTests(SharedServer shared, ITestOutputHelper output) : IClassFixture<SharedServer>
{
    private const string Characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:.%+&=?/_~;,@!$'()*";

    private static readonly string[] Free = ["comp", "blockid", "timeout", "api-version"];

    private static readonly string[] Inserts = ["//", "/../", "/./", "%2f", "%00", "%0d%0a", "#", ";"];

    private UpdraftServer Server => shared.Server;

    [Trait("catalog", "U14")]
    [Fact]
    public async Task Mutated_upload_URL_is_rejected()
    {
        var count = Setting("UPDRAFT_FUZZ_URLS", 5000);
        var seed = Setting("UPDRAFT_FUZZ_SEED", Random.Shared.Next());
        var random = new Random(seed);
        var site = await UploadSite.CreateAsync(Server);
        var others = new[] { await UploadSite.CreateAsync(Server), await UploadSite.CreateAsync(Server, site.DeploymentId) };
        var original = new Uri(site.Url).PathAndQuery;
        string[] signed = [.. others.Select(other => new Uri(other.Url).PathAndQuery)];
        var clock = Stopwatch.StartNew();
        var (rejected, same) = (0, 0);
        using var http = new KeptConnection(Server.BaseAddress);
        Assert.Equal(400, await http.PutAsync(original)); // The URL is accepted; the empty body is not an archive.

        for (var i = 0; i < count; i++)
        {
            var changed = Mutate(original, random, signed);
            var status = await http.PutAsync(changed);
            var where = $"{changed} got {status} (mutation {i}, seed {seed})";
            Assert.True(status is 400 or 401 or 403 or 404 or 405 or 414, where);
            if (status is 403 or 404 or 405 or 401 or 414)
            {
                rejected++;
                continue;
            }
            // A 400 comes from the web server, which cannot parse the request line, or from an accepted URL without an archive.
            if (!http.LastBody.Contains("x-ms-blob-type", StringComparison.Ordinal))
            {
                rejected++;
                continue;
            }
            // A URL that consists of parts of another signed URL can equal that URL.
            Assert.True(signed.Append(original).Any(url => IsSame(url, changed)), $"ACCEPTED: {where}");
            same++;
        }
        output.WriteLine($"{count} URLs with seed {seed}: {rejected} rejected, {same} equal after decoding, none accepted wrongly, "
            + $"{clock.Elapsed.TotalSeconds:0.0} s");
        Assert.True(rejected > count / 2, "Most mutations did not change the URL.");
    }

    [Fact]
    public async Task Upload_URL_is_accepted_in_any_order_and_encoding()
    {
        var random = new Random(Setting("UPDRAFT_FUZZ_SEED", 1));
        var site = await UploadSite.CreateAsync(Server);
        var url = new Uri(site.Url).PathAndQuery;
        var parts = url.Split('?')[1].Split('&').Select(part => part.Split('=')).ToArray();
        using var http = new KeptConnection(Server.BaseAddress);
        for (var i = 0; i < 500; i++)
        {
            string[][] all = [.. parts, .. Free.Skip(1).Where(_ => random.Next(2) == 0).Select(name => new[] { name, "AAAA" })];
            random.Shuffle(all);
            var query = string.Join('&', all.Select(part => $"{part[0]}={Encode(Uri.UnescapeDataString(part[1]), random)}"));
            var status = await http.PutAsync($"{url.Split('?')[0]}?{query}");
            Assert.True(status == 400 && http.LastBody.Contains("x-ms-blob-type", StringComparison.Ordinal),
                $"{query} got {status}: {http.LastBody}");
        }
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    private static string Encode(string text, Random random) => string.Concat(Encoding.UTF8.GetBytes(text)
        .Select(b => random.Next(3) == 0 || !(char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'.')
            ? $"%{b:X2}"
            : ((char)b).ToString()));

    private static string Mutate(string url, Random random, string[] others)
    {
        var text = url;
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var at = random.Next(1, text.Length);
            var parts = text.Split('?')[^1].Split('&');
            var part = parts[random.Next(parts.Length)];
            text = random.Next(14) switch
            {
                0 => text[..at] + Characters[random.Next(Characters.Length)] + text[(at + 1)..],
                1 => text.Insert(at, Characters[random.Next(Characters.Length)].ToString()),
                2 => text.Remove(at, 1),
                3 when at + 1 < text.Length => text[..at] + text[at + 1] + text[at] + text[(at + 2)..],
                4 => text[..at] + (char.IsUpper(text[at]) ? char.ToLowerInvariant(text[at]) : char.ToUpperInvariant(text[at]))
                    + text[(at + 1)..],
                5 => text.Replace("%", "%25", StringComparison.Ordinal),
                6 => $"{text[..at]}%{(int)text[at]:x2}{text[(at + 1)..]}",
                7 => text + "&" + part,
                8 when part.Length > 0 => text.Replace(part, "", StringComparison.Ordinal),
                9 => text.Replace("/dags", random.Next(2) == 0 ? "/bundle" : "/DAGS", StringComparison.Ordinal),
                10 => Splice(text, others[random.Next(others.Length)], random),
                11 => text + $"&{Free[random.Next(Free.Length)]}={random.Next(100)}",
                12 => text.Insert(at, Inserts[random.Next(Inserts.Length)]),
                13 => text.Replace("se=2", $"se={random.Next(3, 9)}", StringComparison.Ordinal),
                _ => text.ToUpperInvariant(),
            };
        }
        return text.StartsWith('/') ? text : "/" + text;
    }

    // Replaces a part of the URL with the same part of another valid URL.
    private static string Splice(string text, string other, Random random)
    {
        var (mine, theirs) = (text.Split('/', '?', '&'), other.Split('/', '?', '&'));
        var at = random.Next(2, theirs.Length);
        return at < mine.Length && mine[at].Length > 3
            ? text.Replace(mine[at], theirs[at], StringComparison.Ordinal)
            : text + "&" + theirs[^1];
    }

    /// <summary>Whether two URLs have the same meaning and signature. This parser is independent of the server.</summary>
    private static bool IsSame(string one, string two)
    {
        static string? Decode(string text)
        {
            var target = text.Split('#')[0];
            var cut = target.IndexOf('?', StringComparison.Ordinal);
            if (cut < 0)
                return null;
            var pairs = target[(cut + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries)
                .Select(part => Uri.UnescapeDataString(part.Replace('+', ' ')).Split('=', 2))
                .Where(pair => !Free.Contains(pair[0].ToLowerInvariant()))
                .Select(pair => pair[0] + "=" + pair.ElementAtOrDefault(1)).Order(StringComparer.Ordinal);
            // Parsers resolve dot segments, ignore a slash at the end, and compare /uploads without case. Some clients encode slashes.
            var path = Uri.UnescapeDataString(new Uri("http://x" + target[..cut]).AbsolutePath);
            path = path.EndsWith('/') ? path[..^1] : path;
            if (path.StartsWith("/uploads/", StringComparison.OrdinalIgnoreCase))
                path = "/uploads/" + path["/uploads/".Length..];
            return path + "?" + string.Join('&', pairs);
        }
        return Decode(one) == Decode(two);
    }

    /// <summary>Reuses a connection until the server closes it. It sends URLs unchanged.</summary>
    private sealed class KeptConnection(Uri server) : IDisposable
    {
        private readonly byte[] _buffer = new byte[16 * 1024];
        private TcpClient? _tcp;

        public string LastBody { get; private set; } = "";

        public async Task<int> PutAsync(string target)
        {
            _tcp ??= await ConnectAsync();
            var stream = _tcp.GetStream();
            await stream.WriteAsync(Encoding.UTF8.GetBytes($"PUT {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"),
                TestContext.Current.CancellationToken);
            var response = new StringBuilder();
            while (true)
            {
                var read = await stream.ReadAsync(_buffer, TestContext.Current.CancellationToken);
                response.Append(Encoding.UTF8.GetString(_buffer, 0, read));
                var (head, body) = Split(response.ToString());
                if (read != 0 && (head is null || !IsWhole(head, body)))
                    continue;
                Assert.True(head is not null, $"The server sent no response to {target}.");
                LastBody = body;
                if (read == 0 || head.Contains("Connection: close", StringComparison.OrdinalIgnoreCase))
                    Dispose();
                return int.Parse(head.AsSpan(9, 3), CultureInfo.InvariantCulture);
            }
        }

        public void Dispose()
        {
            _tcp?.Dispose();
            _tcp = null;
        }

        private static (string? Head, string Body) Split(string response)
        {
            var end = response.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            return end < 0 ? (null, "") : (response[..end], response[(end + 4)..]);
        }

        private static bool IsWhole(string head, string body)
        {
            if (head.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase))
                return body.EndsWith("0\r\n\r\n", StringComparison.Ordinal);
            var line = head.Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
            return line is null || body.Length >= int.Parse(line.Split(':')[1], CultureInfo.InvariantCulture);
        }

        private async Task<TcpClient> ConnectAsync()
        {
            var tcp = new TcpClient { NoDelay = true };
            await tcp.ConnectAsync(server.Host, server.Port, TestContext.Current.CancellationToken);
            return tcp;
        }
    }
}
