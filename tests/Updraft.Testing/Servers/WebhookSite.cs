using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Testing;

/// <summary>A Deployment in its own Workspace, with webhooks.</summary>
internal sealed class WebhookSite
{
    private readonly UpdraftServer _server;

    private WebhookSite(UpdraftServer server, string workspace, string deployment)
    {
        (_server, WorkspaceId, DeploymentId) = (server, workspace, deployment);
        Deploys = new PageSite(server, deployment);
    }

    /// <summary>Settings that allow receivers on loopback addresses and short waits.</summary>
    public static Dictionary<string, string> Settings => new(StringComparer.Ordinal)
    {
        ["Webhooks:AllowedNetworks"] = "127.0.0.1",
        ["Webhooks:RetryFor"] = "00:00:02",
        ["Webhooks:Timeout"] = "00:00:03",
    };

    public string WorkspaceId { get; }

    public string DeploymentId { get; }

    public PageSite Deploys { get; }

    /// <summary>URL of the webhooks.</summary>
    public string Path => PathOf(_server);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static string PathOf(UpdraftServer server) => $"/updraft/v1/organizations/{server.OrganizationId}/webhooks";

    public static async Task<WebhookSite> CreateAsync(UpdraftServer server)
    {
        var workspace = await server.CreateWorkspaceAsync(Protocol.EntityId.New(TimeProvider.System));
        return new WebhookSite(server, workspace, await server.CreateDeploymentAsync("orders <&>", workspace));
    }

    /// <summary>Creates a webhook.</summary>
    public Task<JsonObject> AddAsync(string url, string[]? types = null, string format = "STANDARD", string? deployment = null,
        HttpClient? client = null) =>
        (client ?? _server.Client).PostOkAsync(Path, Order(url, types, format, deployment));

    /// <summary>The body that creates a webhook.</summary>
    public JsonObject Order(string url, string[]? types = null, string format = "STANDARD", string? deployment = null) => new()
    {
        ["name"] = "test",
        ["workspaceId"] = WorkspaceId,
        ["deploymentId"] = deployment,
        ["url"] = url,
        ["eventTypes"] = types is null ? null : new JsonArray([.. types.Select(type => JsonValue.Create(type))]),
        ["format"] = format,
    };

    /// <summary>The deliveries of a webhook, newest first.</summary>
    public async Task<List<JsonObject>> DeliveriesAsync(string webhook) =>
        [.. (await _server.Client.GetOkAsync($"{Path}/{webhook}/deliveries"))["deliveries"]!.AsArray().Select(row => row!.AsObject())];

    /// <summary>Waits for the newest delivery to be in a state, and returns it.</summary>
    public async Task<JsonObject> WaitAsync(string webhook, string status)
    {
        JsonObject? last = null;
        await Poll.UntilAsync(async () => (last = (await DeliveriesAsync(webhook)).FirstOrDefault())?.Text("status") == status);
        return last!;
    }

    /// <summary>Sends a POST with an empty body.</summary>
    public Task<JsonObject> DoAsync(string path) => _server.Client.PostOkAsync($"{Path}/{path}", new JsonObject());

    /// <summary>Requests a webhook, and returns the status.</summary>
    public static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, Cancelled);
        return response.StatusCode;
    }
}
