using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Web;

/// <summary>A browser without scripts: keeps cookies, accepts HTML, and sends the forms of pages. It follows no redirects.</summary>
internal sealed partial class Visitor : IDisposable
{
    private readonly SocketsHttpHandler _handler = new() { AllowAutoRedirect = false, CookieContainer = new CookieContainer() };
    private readonly HttpClient _client;

    public Visitor(UpdraftServer server, string path = "")
    {
        _client = new HttpClient(_handler) { BaseAddress = new Uri(server.BaseAddress, path) };
        _client.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("text/html"));
    }

    public CookieContainer Cookies => _handler.CookieContainer;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Creates a visitor with a session.</summary>
    public static async Task<Visitor> SignedInAsync(UpdraftServer server, string? token = null)
    {
        var visitor = new Visitor(server);
        using var response = await visitor.SignInAsync(token ?? server.OwnerToken);
        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        return visitor;
    }

    public Task<HttpResponseMessage> SignInAsync(string token, string returnTo = "/") =>
        SendFormAsync("signin?returnTo=" + Uri.EscapeDataString(returnTo), "signin", ("token", token), ("returnTo", returnTo));

    public Task<HttpResponseMessage> GetAsync(string path) => _client.GetAsync(path, Cancelled);

    /// <summary>Reads a page; fails unless the status is 200.</summary>
    public async Task<string> ReadAsync(string path)
    {
        using var response = await GetAsync(path);
        var text = await response.Content.ReadAsStringAsync(Cancelled);
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{path} returned {(int)response.StatusCode}: {text}");
        return text;
    }

    /// <summary>Reads the page of a form, and sends the form.</summary>
    public async Task<HttpResponseMessage> SendFormAsync(string page, string action, params (string Name, string Value)[] fields) =>
        await PostAsync(action, [("__RequestVerificationToken", FormToken(await ReadAsync(page))), .. fields]);

    public async Task<HttpResponseMessage> PostAsync(string action, (string Name, string Value)[] fields,
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, action)
        {
            Content = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))),
        };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await _client.SendAsync(request, Cancelled);
    }

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) =>
        _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancelled);

    /// <summary>The value of the hidden antiforgery field in a page.</summary>
    public static string FormToken(string html) => Token().Match(html).Groups["token"].Value;

    public void Dispose()
    {
        _client.Dispose();
        _handler.Dispose();
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"(?<token>[^\"]+)\"")]
    private static partial Regex Token();
}
