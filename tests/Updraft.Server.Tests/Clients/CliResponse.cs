using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Clients;

/// <summary>A response as the CLI interprets it: 200 and 204 are success; for another status, it shows the field <c>message</c>.</summary>
internal sealed record CliResponse(string Request, HttpStatusCode Status, string ContentType, JsonElement? Json)
{
    /// <summary>The object of a success. Without the status 200 and JSON, it is nil, and the CLI panics.</summary>
    public CliObject Body
    {
        get
        {
            Assert.True(Status == HttpStatusCode.OK, $"{Request} returned {(int)Status}: {Json}");
            Assert.Contains("json", ContentType);
            return new CliObject(Request, Json!.Value);
        }
    }

    /// <summary>The message that the CLI shows for a failure.</summary>
    public string Error
    {
        get
        {
            Assert.False(IsSuccess, $"{Request} succeeded");
            Assert.Contains("json", ContentType);
            // The CLI parses the whole error first; a number with a wrong type hides the message.
            Assert.Equal((int)Status, Json!.Value.GetProperty("statusCode").GetInt32());
            Assert.Equal(JsonValueKind.String, Json.Value.GetProperty("requestId").ValueKind);
            var message = Json.Value.GetProperty("message").GetString()!;
            Assert.NotEmpty(message);
            return message;
        }
    }

    public bool IsSuccess => Status is HttpStatusCode.OK or HttpStatusCode.NoContent;

    public static async Task<CliResponse> ReadAsync(string request, HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new(request, response.StatusCode, response.Content.Headers.ContentType?.ToString() ?? "",
            text.Length == 0 ? null : JsonElement.Parse(text));
    }
}

/// <summary>
/// A JSON object, read as Go reads it into a struct: exact names, exact types, times of RFC 3339. One wrong value makes the whole object
/// unreadable. A value that the CLI uses without a check must exist.
/// </summary>
internal sealed partial class CliObject
{
    private readonly string _where;
    private readonly JsonElement _json;

    public CliObject(string where, JsonElement json)
    {
        (_where, _json) = (where, json);
        Assert.True(json.ValueKind == JsonValueKind.Object, $"{where} is not an object: {json}");
        CheckTimes(where, json);
    }

    public string Raw => _json.GetRawText();

    /// <summary>A text that must exist, because the CLI uses it without a check.</summary>
    public string Text(string name) => Field(name, JsonValueKind.String).GetString()!;

    /// <summary>A text that the CLI checks for nil; null if the field is missing.</summary>
    public string? OptionalText(string name) => Has(name) ? Text(name) : null;

    public bool Flag(string name)
    {
        var value = _json.TryGetProperty(name, out var found) ? found : default;
        Assert.True(value.ValueKind is JsonValueKind.True or JsonValueKind.False, $"{_where}.{name} is not a flag but '{value}'");
        return value.GetBoolean();
    }

    /// <summary>A whole number; Go rejects <c>20.0</c>.</summary>
    public int Number(string name)
    {
        var text = Field(name, JsonValueKind.Number).GetRawText();
        Assert.True(int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number),
            $"{_where}.{name} is {text}");
        return number;
    }

    public DateTimeOffset Time(string name) => DateTimeOffset.Parse(Text(name), CultureInfo.InvariantCulture);

    public CliObject Object(string name) => new($"{_where}.{name}", Field(name, JsonValueKind.Object));

    public IReadOnlyList<CliObject> Objects(string name) =>
        [.. Field(name, JsonValueKind.Array).EnumerateArray().Select((item, index) => new CliObject($"{_where}.{name}[{index}]", item))];

    public IReadOnlyList<string> Texts(string name) =>
        [.. Field(name, JsonValueKind.Array).EnumerateArray().Select(item => item.GetString()!)];

    public bool Has(string name) => _json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    private JsonElement Field(string name, JsonValueKind kind)
    {
        Assert.True(_json.TryGetProperty(name, out var value), $"{_where}.{name} is missing in {_json}");
        Assert.True(value.ValueKind == kind, $"{_where}.{name} is not of the type {kind} but {value.GetRawText()}");
        return value;
    }

    private static void CheckTimes(string where, JsonElement json)
    {
        var times = json.EnumerateObject().Where(field => TimeName().IsMatch(field.Name) && field.Value.ValueKind != JsonValueKind.Null);
        foreach (var field in times)
        {
            Assert.True(field.Value.ValueKind == JsonValueKind.String && Rfc3339().IsMatch(field.Value.GetString()!),
                $"{where}.{field.Name} is '{field.Value}', which Go cannot parse as a time");
        }
    }

    [GeneratedRegex("(At|Date|Until|timestamp)$")]
    private static partial Regex TimeName();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")]
    private static partial Regex Rfc3339();
}
