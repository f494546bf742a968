using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Updraft.Server.Webhooks;

namespace Updraft.Server.Tests.Webhooks;

/// <summary>Where webhooks may lead: rows I9 and I10.</summary>
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
    public async Task I9_an_address_that_leads_elsewhere_than_to_the_public_Internet_is_refused(string url)
    {
        var site = await WebhookSite.CreateAsync(Server);
        await Server.Client.PostErrorAsync(site.Path, site.Order(url).ToJsonString(), HttpStatusCode.BadRequest);
        Assert.Equal(0, (await Server.Client.GetOkAsync($"{site.Path}?workspaceId={site.WorkspaceId}"))["totalCount"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("https://localhost/hook")]
    [InlineData("https://LOCALHOST:8443/hook")]
    public async Task I9_a_name_that_leads_to_this_machine_is_refused_when_it_is_connected_to(string url)
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
    public async Task I10_a_name_that_means_something_else_at_the_second_look_is_refused_then()
    {
        // 127.0.0.2 stands for the public Internet; 127.0.0.1 is where nobody must get.
        await using var outside = await WebhookReceiver.StartAsync("127.0.0.2");
        await using var inside = await InsideAsync(outside.Port);
        var asked = 0;
        var url = new Uri($"https://rebind.test:{outside.Port}/hook");
        using var guarded = Client((_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse(asked++ == 0 ? "127.0.0.2" : "127.0.0.1")]), allowed: "127.0.0.2");
        // Without TLS on the other side the first attempt ends at the handshake, after it was connected to.
        Assert.NotEqual(WebhookClient.RefusedAddress, (await guarded.SendAsync(url, "e", "{}", [Secret], Cancelled)).Error);
        Assert.Equal(WebhookClient.RefusedAddress, (await guarded.SendAsync(url, "e", "{}", [Secret], Cancelled)).Error);
        Assert.Equal(2, asked);
        Assert.Empty(inside.Received);
    }

    [Fact]
    public async Task Of_several_addresses_of_a_name_only_those_are_tried_that_are_allowed()
    {
        await using var outside = await WebhookReceiver.StartAsync("127.0.0.2");
        await using var inside = await InsideAsync(outside.Port);
        var guard = Guard((_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback, IPAddress.Parse("::ffff:127.0.0.1"), IPAddress.Parse("::ffff:127.0.0.2")]), "127.0.0.2");
        using var http = new HttpClient(new SocketsHttpHandler { ConnectCallback = guard.ConnectAsync, UseProxy = false });
        using var response = await http.PostAsync($"http://mixed.test:{outside.Port}/hook", null, Cancelled);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Single(outside.Received);
        Assert.Empty(inside.Received);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var target = await WebhookReceiver.StartAsync();
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = (context, _) =>
        {
            context.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
            context.Response.Headers.Location = target.Url;
            return Task.CompletedTask;
        };
        using var client = Client(Nobody, "127.0.0.1");
        Assert.Equal(307, (await client.SendAsync(new Uri(receiver.Url), "e", "{}", [Secret], Cancelled)).StatusCode);
        Assert.Empty(target.Received);
    }

    [Fact]
    public async Task An_endless_answer_and_one_that_never_begins_end_in_time()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var client = Client(Nobody, "127.0.0.1");
        receiver.Answer = async (context, _) =>
        {
            context.Response.StatusCode = StatusCodes.Status200OK;
            var junk = new byte[64 * 1024];
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(junk, context.RequestAborted);
        };
        var attempt = await client.SendAsync(new Uri(receiver.Url), "e", "{}", [Secret], Cancelled);
        Assert.True(attempt is { StatusCode: 200 } or { Error: WebhookClient.TimedOut or WebhookClient.Connection }, attempt.ToString());
        receiver.Answer = (context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted);
        Assert.Equal(WebhookClient.TimedOut, (await client.SendAsync(new Uri(receiver.Url), "e", "{}", [Secret], Cancelled)).Error);
        receiver.Answer = (context, _) =>
        {
            context.Response.Headers["X-Much"] = new string('x', 200 * 1024);
            return Task.CompletedTask;
        };
        Assert.Equal(WebhookClient.Connection, (await client.SendAsync(new Uri(receiver.Url), "e", "{}", [Secret], Cancelled)).Error);
    }

    [Fact]
    public async Task A_proxy_of_the_environment_is_not_asked()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var before = Environment.GetEnvironmentVariable("http_proxy");
        Environment.SetEnvironmentVariable("http_proxy", $"http://{proxy.LocalEndpoint}");
        try
        {
            using var client = Client(Nobody, "127.0.0.1");
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
    public void Public_is_what_the_registries_of_special_addresses_do_not_have(string address, bool isPublic) =>
        Assert.Equal(isPublic, AddressGuard.IsPublic(IPAddress.Parse(address)));

    [Fact]
    public void Pauses_fill_the_hour_and_grow()
    {
        var options = new WebhookOptions();
        var pauses = Enumerable.Range(1, 4).Select(tries => options.PauseAfter(tries, 1)!.Value).ToList();
        Assert.Null(options.PauseAfter(5, 1));
        Assert.InRange(pauses.Sum(pause => pause.TotalMinutes), 59.9, 60.1);
        Assert.All(Enumerable.Range(1, 3), i => Assert.InRange(pauses[i] / pauses[i - 1], 3.99, 4.01));
        Assert.True(options.PauseAfter(1, 0) < pauses[0]);
    }

    private static Task<IPAddress[]> Nobody(string host, CancellationToken cancellationToken) => throw new InvalidOperationException("No name is looked up here.");

    private static async Task<WebhookReceiver> InsideAsync(int port) => await WebhookReceiver.StartAsync("127.0.0.1", port);

    private static AddressGuard Guard(ResolveHost resolve, string allowed) =>
        new(Options.Create(new WebhookOptions { AllowedNetworks = allowed, Timeout = TimeSpan.FromSeconds(2) }), resolve);

    private static WebhookClient Client(ResolveHost resolve, string allowed) =>
        new(Guard(resolve, allowed), Options.Create(new WebhookOptions { AllowedNetworks = allowed, Timeout = TimeSpan.FromSeconds(2) }), TimeProvider.System);
}
