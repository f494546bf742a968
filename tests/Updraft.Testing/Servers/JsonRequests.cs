using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Updraft.Testing;

/// <summary>Requests and answers as JSON, the way that clients without generated types see them.</summary>
internal static class JsonRequests
{
    /// <summary>A body, sent as it stands.</summary>
    public static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    /// <summary>GETs and expects 200.</summary>
    public static async Task<JsonObject> GetOkAsync(this HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, TestContext.Current.CancellationToken);
        return await response.ReadAsync(HttpStatusCode.OK);
    }

    /// <summary>POSTs and expects 200.</summary>
    public static async Task<JsonObject> PostOkAsync(this HttpClient client, string path, JsonNode body)
    {
        using var response = await client.PostAsync(path, Json(body.ToJsonString()), TestContext.Current.CancellationToken);
        return await response.ReadAsync(HttpStatusCode.OK);
    }

    /// <summary>POSTs and expects an error; returns its message.</summary>
    public static async Task<string> PostErrorAsync(this HttpClient client, string path, string body, HttpStatusCode status)
    {
        using var response = await client.PostAsync(path, Json(body), TestContext.Current.CancellationToken);
        return (await response.ReadAsync(status)).Text("message");
    }

    /// <summary>Reads a JSON object and checks the status.</summary>
    public static async Task<JsonObject> ReadAsync(this HttpResponseMessage response, HttpStatusCode status)
    {
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == status, $"{response.RequestMessage} answered {(int)response.StatusCode}: {text}");
        return Assert.IsType<JsonObject>(JsonNode.Parse(text));
    }

    /// <summary>A text field that must be there.</summary>
    public static string Text(this JsonObject json, string name) =>
        json[name]?.GetValue<string>() ?? throw new InvalidOperationException($"There is no '{name}' in {json}");
}
