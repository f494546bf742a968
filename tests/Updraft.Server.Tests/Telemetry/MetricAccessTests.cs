using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Options;
using Updraft.Server.Telemetry;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Telemetry;

/// <summary>Access to metrics, and the metric of limits.</summary>
public sealed class MetricAccessTests
{
    private const string Token = "scrape-0123456789abcdef";

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("Bearer", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer scrape-0123456789abcdeF", HttpStatusCode.Unauthorized)]
    [InlineData("Basic scrape-0123456789abcdef", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer scrape-0123456789abcdef", HttpStatusCode.OK)]
    public async Task Metrics_require_the_configured_token(string? authorization, HttpStatusCode expected)
    {
        var address = LoopbackPort.LeaseUrl().OriginalString;
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>
        {
            ["Metrics:Listen"] = address,
            ["Metrics:Token"] = Token,
        });
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, address + "/metrics");
        if (authorization is not null)
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(expected, response.StatusCode);
        Assert.DoesNotContain(Token, server.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Owner_token_does_not_authorize_a_scrape()
    {
        var address = LoopbackPort.LeaseUrl().OriginalString;
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>
        {
            ["Metrics:Listen"] = address,
            ["Metrics:Token"] = Token,
        });
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", server.OwnerToken);
        using var response = await http.GetAsync(new Uri(address + "/metrics"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Theory]
    [InlineData("http://0.0.0.0:9464", null, "Metrics:Token")]
    [InlineData("http://*:9464", null, "Metrics:Token")]
    [InlineData("http://[::]:9464", null, "Metrics:Token")]
    [InlineData("http://metrics.example.org:9464", null, "Metrics:Token")]
    [InlineData("http://127.0.0.1:9464", "short", "16 visible")]
    [InlineData("127.0.0.1:9464", null, "Metrics:Listen")]
    [InlineData("http://127.0.0.1:9464/below", null, "Metrics:Listen")]
    public async Task Unprotected_metrics_setting_is_rejected_at_the_start(string listen, string? token, string expected)
    {
        var settings = new Dictionary<string, string> { ["Metrics:Listen"] = listen };
        if (token is not null)
            settings["Metrics:Token"] = token;
        var refusal = await Assert.ThrowsAnyAsync<OptionsValidationException>(() => UpdraftServer.StartAsync(settings: settings));
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
        if (token is not null)
            Assert.DoesNotContain(token + " ", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scrape_counts_a_hit_of_a_limit()
    {
        var address = LoopbackPort.LeaseUrl().OriginalString;
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>
        {
            ["Metrics:Listen"] = address,
            ["Uploads:MaxBytes"] = "1000",
        });
        using var http = new HttpClient();
        var before = await CountAsync();
        var deployment = await server.CreateDeploymentAsync();
        var site = await UploadSite.CreateAsync(server, deployment);
        using var body = new ByteArrayContent(new byte[2000]);
        using var request = new HttpRequestMessage(HttpMethod.Put, site.Url) { Content = body };
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        using var response = await server.Anonymous.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);

        // Other tests of this process also exceed this limit.
        Assert.True(await CountAsync() > before);

        async Task<double> CountAsync()
        {
            var scrape = await http.GetStringAsync(new Uri(address + "/metrics"), TestContext.Current.CancellationToken);
            const string Series = "updraft_limit_hits_total{limit=\"Uploads:MaxBytes\"}";
            var line = scrape.Split('\n').Single(line => line.StartsWith(Series, StringComparison.Ordinal));
            return double.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task Server_measures_nothing_without_the_setting()
    {
        await using var server = await UpdraftServer.StartAsync();
        using var response = await server.Client.GetAsync("/metrics", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Null(Instrumentation.Begin("no listener"));
    }
}
