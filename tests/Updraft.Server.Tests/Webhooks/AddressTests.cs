using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Updraft.Server.Webhooks;

namespace Updraft.Server.Tests.Webhooks;

/// <summary>The URLs and IP addresses that webhooks may reach.</summary>
public sealed class AddressTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Secret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("https://127.0.0.1/hook")]
    [InlineData("https://127.1/hook")]
    [InlineData("https://2130706433/hook")]
    [InlineData("https://0177.0.0.1/hook")]
    [InlineData("https://0x7f.0.0.1/hook")]
    [InlineData("https://0x7f000001/hook")]
    [InlineData("https://127。0。0。1/hook")]
    [InlineData("https://１２７.0.0.1/hook")]
    [InlineData("https://[::1]/hook")]
    [InlineData("https://[::]/hook")]
    [InlineData("https://[0:0:0:0:0:ffff:127.0.0.1]/hook")]
    [InlineData("https://[::ffff:7f00:1]/hook")]
    [InlineData("https://[::127.0.0.1]/hook")]
    [InlineData("https://[64:ff9b::7f00:1]/hook")]
    [InlineData("https://[2002:7f00:1::]/hook")]
    [InlineData("https://[fe80::1]/hook")]
    [InlineData("https://[fe80::1%25lo]/hook")]
    [InlineData("https://[fc00::1]/hook")]
    [InlineData("https://[fd12:3456::1]/hook")]
    [InlineData("https://[ff02::1]/hook")]
    [InlineData("https://[2001:db8::1]/hook")]
    [InlineData("https://0.0.0.0/hook")]
    [InlineData("https://0/hook")]
    [InlineData("https://10.0.0.1/hook")]
    [InlineData("https://100.64.0.1/hook")]
    [InlineData("https://169.254.169.254/latest/meta-data")]
    [InlineData("https://172.16.0.1/hook")]
    [InlineData("https://172.31.255.255/hook")]
    [InlineData("https://192.168.1.1/hook")]
    [InlineData("https://192.0.2.1/hook")]
    [InlineData("https://198.18.0.1/hook")]
    [InlineData("https://203.0.113.7/hook")]
    [InlineData("https://224.0.0.1/hook")]
    [InlineData("https://255.255.255.255/hook")]
    [InlineData("http://example.org/hook")]
    [InlineData("http://93.184.215.14/hook")]
    [InlineData("https://example.org@127.0.0.1/hook")]
    [InlineData("https://user:password@example.org/hook")]
    [InlineData("https://@example.org/hook")]
    [InlineData("https://example.org/hook#@127.0.0.1")]
    [InlineData("https://example.org\\@127.0.0.1/hook")]
    [InlineData("https:// example.org/hook")]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://example.org/")]
    [InlineData("ftp://example.org/")]
    [InlineData("unix:///var/run/docker.sock")]
    [InlineData("javascript:alert(1)")]
    [InlineData("//example.org/hook")]
    [InlineData("example.org/hook")]
    [InlineData("https://")]
    [InlineData("")]
    [Trait("catalog", "I9")]
    public async Task URL_outside_the_public_Internet_is_rejected(string url)
    {
        var site = await WebhookSite.CreateAsync(Server);
        await Server.Client.PostErrorAsync(site.Path, site.Order(url).ToJsonString(), HttpStatusCode.BadRequest);
        Assert.Equal(0, (await Server.Client.GetOkAsync($"{site.Path}?workspaceId={site.WorkspaceId}"))["totalCount"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("https://localhost/hook")]
    [InlineData("https://LOCALHOST:8443/hook")]
    [Trait("catalog", "I9")]
    public async Task Name_of_a_loopback_address_is_blocked_at_the_connection(string url)
    {
        var site = await WebhookSite.CreateAsync(Server);
        var webhook = (await site.AddAsync(url)).Text("id");
        await site.DoAsync($"{webhook}/test");
        await Poll.UntilAsync(async () => (await site.DeliveriesAsync(webhook))[0]["attempts"]!.AsArray().Count > 0);
        var attempt = (await site.DeliveriesAsync(webhook))[0]["attempts"]![0]!.AsObject();
        Assert.Equal("REFUSED_ADDRESS", attempt.Text("error"));
        Assert.Null(attempt["statusCode"]);
    }

    [Fact]
    [Trait("catalog", "I10")]
    public async Task Name_that_resolves_to_a_private_address_later_is_blocked()
    {
        // 127.0.0.2 stands for the public Internet, and 127.0.0.1 for a blocked network.
        await using var outside = await WebhookReceiver.StartAsync("127.0.0.2");
        await using var inside = await InsideAsync(outside.Port);
        var queried = 0;
        var url = new Uri($"https://rebind.test:{outside.Port}/hook");
        using var guarded = Client((_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse(queried++ == 0 ? "127.0.0.2" : "127.0.0.1")]),
            allowed: "127.0.0.2");
        // The receiver has no TLS, so the first attempt fails at the handshake, after the connection.
        Assert.NotEqual(WebhookClient.RefusedAddress, (await guarded.SendAsync(url, "e", "{}", [Secret], Cancelled)).Error);
        Assert.Equal(WebhookClient.RefusedAddress, (await guarded.SendAsync(url, "e", "{}", [Secret], Cancelled)).Error);
        Assert.Equal(2, queried);
        Assert.Empty(inside.Received);
    }

    [Fact]
    public async Task Only_allowed_addresses_of_a_name_are_tried()
    {
        await using var outside = await WebhookReceiver.StartAsync("127.0.0.2");
        await using var inside = await InsideAsync(outside.Port);
        var guard = Guard((_, _) =>
            Task.FromResult<IPAddress[]>([IPAddress.Loopback, IPAddress.Parse("::ffff:127.0.0.1"), IPAddress.Parse("::ffff:127.0.0.2")]),
            "127.0.0.2");
        using var http = new HttpClient(new SocketsHttpHandler { ConnectCallback = guard.ConnectAsync, UseProxy = false });
        using var response = await http.PostAsync($"http://mixed.test:{outside.Port}/hook", null, Cancelled);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Single(outside.Received);
        Assert.Empty(inside.Received);
    }

    [Fact]
    public async Task Redirect_is_not_followed()
    {
        await using var target = await WebhookReceiver.StartAsync();
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Respond = (context, _) =>
        {
            context.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            context.Response.Headers.Location = target.Url;
            return Task.CompletedTask;
        };
        using var client = Client(FailToResolve, "127.0.0.1");
        Assert.Equal(307, (await client.SendAsync(new Uri(receiver.Url), "e", "{}", [Secret], Cancelled)).StatusCode);
        Assert.Empty(target.Received);
    }

    [Fact]
    public async Task Endless_or_missing_response_ends_at_the_timeout()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var client = Client(FailToResolve, "127.0.0.1");
        receiver.Respond = async (context, _) =>
        {
            context.Response.StatusCode = StatusCodes.Status200OK;
            var junk = new byte[64 * 1024];
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(junk, context.RequestAborted);
        };
        var attempt = await client.SendAsync(new Uri(receiver.Url), "e", "{}", [Secret], Cancelled);
        Assert.True(attempt is { StatusCode: 200 } or { Error: WebhookClient.TimedOut or WebhookClient.Connection }, attempt.ToString());
        receiver.Respond = (context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted);
        Assert.Equal(WebhookClient.TimedOut, (await client.SendAsync(new Uri(receiver.Url), "e", "{}", [Secret], Cancelled)).Error);
        receiver.Respond = (context, _) =>
        {
            context.Response.Headers["X-Much"] = new string('x', 200 * 1024);
            return Task.CompletedTask;
        };
        Assert.Equal(WebhookClient.Connection, (await client.SendAsync(new Uri(receiver.Url), "e", "{}", [Secret], Cancelled)).Error);
    }

    [Fact]
    public async Task Proxy_of_the_environment_is_not_used()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var before = Environment.GetEnvironmentVariable("http_proxy");
        Environment.SetEnvironmentVariable("http_proxy", $"http://{proxy.LocalEndpoint}");
        try
        {
            using var client = Client(FailToResolve, "127.0.0.1");
            Assert.Equal(204, (await client.SendAsync(new Uri(receiver.Url), "e", "{}", [Secret], Cancelled)).StatusCode);
            Assert.False(proxy.Pending());
        }
        finally
        {
            Environment.SetEnvironmentVariable("http_proxy", before);
        }
    }

    [Theory]
    [InlineData("93.184.215.14", true)]
    [InlineData("172.32.0.1", true)]
    [InlineData("100.128.0.1", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("::ffff:93.184.215.14", true)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("::ffff:169.254.169.254", false)]
    [InlineData("64:ff9b::5db8:d70e", false)]
    [InlineData("64:ff9b:1::1", false)]
    [InlineData("100::1", false)]
    [InlineData("2001::1", false)]
    [InlineData("3fff::1", false)]
    [InlineData("5f00::1", false)]
    [InlineData("fec0::1", false)]
    public void Special_purpose_addresses_are_not_public(string address, bool isPublic) =>
        Assert.Equal(isPublic, Updraft.Server.Api.PublicAddress.IsPublic(IPAddress.Parse(address)));

    [Fact]
    public void Pauses_grow_and_fill_the_hour()
    {
        var options = new WebhookOptions();
        var pauses = Enumerable.Range(1, 4).Select(tries => options.PauseAfter(tries, 1)!.Value).ToList();
        Assert.Null(options.PauseAfter(5, 1));
        Assert.InRange(pauses.Sum(pause => pause.TotalMinutes), 59.9, 60.1);
        Assert.All(Enumerable.Range(1, 3), i => Assert.InRange(pauses[i] / pauses[i - 1], 3.99, 4.01));
        Assert.True(options.PauseAfter(1, 0) < pauses[0]);
    }

    private static Task<IPAddress[]> FailToResolve(string host, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("This test resolves no name.");

    private static async Task<WebhookReceiver> InsideAsync(int port) => await WebhookReceiver.StartAsync("127.0.0.1", port);

    private static AddressGuard Guard(ResolveHost resolve, string allowed) =>
        new(Options.Create(new WebhookOptions { AllowedNetworks = allowed, Timeout = TimeSpan.FromSeconds(2) }), resolve);

    private static WebhookClient Client(ResolveHost resolve, string allowed) =>
        new(Guard(resolve, allowed), Options.Create(new WebhookOptions { AllowedNetworks = allowed, Timeout = TimeSpan.FromSeconds(2) }),
            TimeProvider.System);
}
