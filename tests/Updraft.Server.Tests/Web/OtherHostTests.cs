using System.Net;

namespace Updraft.Server.Tests.Web;

/// <summary>
/// Requests at another host than that of <c>PublicUrl</c>. The astro CLI prints links with the host <c>cloud.DOMAIN</c>, and the identity
/// provider returns only to <c>PublicUrl</c>, where a cookie of the other host is not valid.
/// </summary>
public sealed class OtherHostTests
{
    private const string Host = "cloud.localhost.corp.example", Workspace = "cwsp00000000000000000test";

    [Theory]
    [InlineData("https://api.localhost.corp.example")]
    [InlineData("https://corp.example/tools/updraft/")]
    public async Task Printed_links_lead_to_PublicUrl_and_its_sign_in(string publicUrl)
    {
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>
        {
            ["PublicUrl"] = publicUrl,
            ["SignIn:Authority"] = "http://localhost:1",
            ["SignIn:ClientId"] = "updraft",
        });
        using var visitor = new Visitor(server);
        foreach (var rest in (string[])["", "/", "/overview", "/deploys/clvetru2w000201mowqwua63n"])
        {
            using var printed = await GetAsync(visitor, $"/{Workspace}/deployments/cdep00000000000000000test{rest}");
            Assert.Equal((HttpStatusCode.Redirect, $"{publicUrl.TrimEnd('/')}/deployments/cdep00000000000000000test"),
                (printed.StatusCode, printed.Headers.Location?.OriginalString));
        }

        using var page = await GetAsync(visitor, "/signin?returnTo=/deployments/x");

        var html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains($"href=\"{publicUrl.TrimEnd('/')}/signin/provider?returnTo=%2Fdeployments%2Fx\"", html, StringComparison.Ordinal);
    }

    private static Task<HttpResponseMessage> GetAsync(Visitor visitor, string path)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Host = Host;
        return visitor.SendAsync(request);
    }
}
