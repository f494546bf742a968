using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Api;

/// <summary>Generates valid, invalid and absurd values for the parts of a request. A seed always gives the same sequence.</summary>
internal sealed class GeneratedValues(Random random)
{
    private static readonly string[] UnexpectedResponse =
    [
        "", "%20", ".", "..", "%", "%2e%2e", "%2f", "%00", "%0d%0aX-Injected:1", "%ff%fe", "%e2%82", "%F0%9F%A6%91", "%u0041", "null",
            "undefined",
        "true", "-1", "0", "1e400", "NaN", "9223372036854775808", "c00000000000000000unknown", "cABCDEFGHIJKLMNOPQRSTUVWX",
        "'%20OR%201=1--",
        "%22;DROP%20TABLE%20deploys;--", "$%7Bjndi:ldap://x%7D", "%7B%7B7*7%7D%7D", "%3Cscript%3E", "*", "~", "a;b=c", "a=b&c=d", "@",
        ":", "\\",
    ];

    private static readonly string[] Texts =
    [
        "", " ", "x", "\0", "a\0b", "\r\nX-Injected: 1", "\u001b[31m", "\u202e", "\ufeff", "\u00e9", "e\u0301", "🦑", "👩‍👩‍👧‍👦",
            "'; DROP TABLE deploys; --",
        "%_\\", "<script>alert(1)</script>", "javascript:alert(1)", "../../etc/passwd", "${jndi:ldap://x}",
        "2024-01-01T00:00:00.0000000Z", "null",
        "STANDARD", "DAG_ONLY", "BUNDLE", "CELERY", "A5", "1Gi", "* * * * *", "\ud83e",
    ];

    public string Pick(params ReadOnlySpan<string> choices) => choices[random.Next(choices.Length)];

    public bool Chance(int percent) => random.Next(100) < percent;

    /// <summary>An encoded text for one segment or query value of a URL.</summary>
    public string InUrl() => random.Next(6) switch
    {
        0 => new string('a', random.Next(1, 3000)),
        1 => string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => $"%{random.Next(256):x2}")),
        2 => random.NextInt64().ToString(CultureInfo.InvariantCulture),
        _ => UnexpectedResponse[random.Next(UnexpectedResponse.Length)],
    };

    public JsonNode? InJson(int depth = 0) => random.Next(depth > 3 ? 6 : 9) switch
    {
        0 => null,
        1 => random.Next(2) == 0,
        2 => random.NextInt64(),
        3 => JsonNode.Parse(Pick("1e400", "-0", "0.1", "1E-7", "123456789012345678901234567890", new string('9', 400))),
        4 => new string(Pick("x", "é", "界")[0], random.Next(2000)),
        5 => Texts[random.Next(Texts.Length - 1)],
        6 => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => InJson(depth + 1))]),
        7 => new JsonObject([KeyValuePair.Create("name", InJson(depth + 1)), KeyValuePair.Create("id", InJson(depth + 1))]),
        _ => JsonNode.Parse(new string('[', random.Next(1, 20)) is var open ? open + new string(']', open.Length) : "[]"),
    };

    /// <summary>A body with a valid shape and some invalid values.</summary>
    public byte[] Mutate(JsonObject shape)
    {
        var body = shape.DeepClone().AsObject();
        for (var times = random.Next(4); times > 0 && body.Count > 0; times--)
        {
            var key = body.ElementAt(random.Next(body.Count)).Key;
            switch (random.Next(5))
            {
                case 0:
                    body.Remove(key);
                    break;
                case 1 when body[key] is JsonObject { Count: > 0 } inner:
                    inner[inner.ElementAt(random.Next(inner.Count)).Key] = InJson();
                    break;
                case 2 when body[key] is JsonArray { Count: > 0 } list:
                    list[0] = InJson();
                    break;
                case 3:
                    body[Pick("id", "createdBy", "status", "organizationId", "unknown", "Name", "__proto__")] = InJson();
                    break;
                default:
                    body[key] = InJson();
                    break;
            }
        }
        var text = body.ToJsonString();
        return random.Next(12) switch
        {
            0 => Encoding.UTF8.GetBytes(text[..random.Next(text.Length)]),
            1 => Encoding.Unicode.GetBytes(text),
            2 => [0xef, 0xbb, 0xbf, .. Encoding.UTF8.GetBytes(text)],
            3 => Encoding.UTF8.GetBytes("{\"name\":\"\\ud800\"," + text[1..]),
            4 => Encoding.UTF8.GetBytes(new string('[', random.Next(1, 20_000))),
            5 => Garbage(random.Next(200)),
            _ => Encoding.UTF8.GetBytes(text),
        };
    }

    public byte[] Garbage(int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
