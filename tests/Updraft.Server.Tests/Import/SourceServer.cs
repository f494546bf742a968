using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Updraft.Server.Tests.Events;
using Updraft.Server.Tests.Rollouts;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Import;

/// <summary>An installation on SQLite with objects of every kind, and the command that imports it.</summary>
internal sealed partial class SourceServer : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("updraft-import-").FullName;
    private readonly List<string> _paths = [];
    private UploadSite? _open;
    private int _targets;

    private SourceServer(UpdraftServer server, WebhookReceiver receiver) => (Server, Receiver) = (server, receiver);

    public UpdraftServer Server { get; }

    /// <summary>The owner token of the source.</summary>
    public string OwnerToken => Server.OwnerToken;

    /// <summary>A Deployment with two versions of its DAGs and a rollback to the first one.</summary>
    public string DeploymentId { get; private set; } = "";

    /// <summary>An agent of the Deployment with the newest revision.</summary>
    public TestAgent Agent { get; private set; } = null!;

    public string AgentToken { get; private set; } = "";

    /// <summary>Receives the webhooks of the Deployment.</summary>
    public WebhookReceiver Receiver { get; }

    /// <summary>The signing secret of the webhook.</summary>
    public string WebhookSecret { get; private set; } = "";

    /// <summary>An archive whose first bytes are uploaded to the source.</summary>
    private static byte[] OpenArchive => UploadSite.Tar("# half here, half there");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // The agent sends no heartbeat between the two servers. It must stay live.
    private static Dictionary<string, string> Settings => new(StringComparer.Ordinal)
    {
        ["Database:ConnectionString"] = "",
        ["Storage:Url"] = "",
        ["Agents:LiveFor"] = "00:30:00",
        ["Webhooks:AllowedNetworks"] = "127.0.0.1",
    };

    /// <summary>Starts a source and creates its objects.</summary>
    public static async Task<SourceServer> StartAsync()
    {
        var source = new SourceServer(await UpdraftServer.StartAsync(settings: Settings), await WebhookReceiver.StartAsync());
        await source.FillAsync();
        return source;
    }

    /// <summary>Settings of a target with a data directory of its own.</summary>
    public Dictionary<string, string> Target(TestDatabase? database, IReadOnlyDictionary<string, string>? storage = null,
        string? data = null)
    {
        var settings = Settings;
        settings["Data"] = data ?? Path.Join(_directory, $"target-{++_targets}");
        settings["Bootstrap:OwnerToken"] = OwnerToken;
        settings["Database:ConnectionString"] = database?.ConnectionString ?? "";
        // Not the credentials of the store that the other tests use.
        foreach (var name in (string[])["Storage:AzureConnectionString", "Storage:AccessKey", "Storage:SecretKey"])
            settings[name] = "";
        foreach (var (name, value) in storage ?? TestStorage.Folder)
            settings[name] = value;
        return settings;
    }

    /// <summary>
    /// The responses of the API about all objects. Values that change with each request are removed: the last use of a token, and the
    /// expiry and signature of upload URLs.
    /// </summary>
    public async Task<Dictionary<string, string>> ResponsesAsync(UpdraftServer server)
    {
        var responses = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var path in _paths)
        {
            using var response = await server.Client.GetAsync(path, Cancelled);
            var body = VolatileValues().Replace(await response.Content.ReadAsStringAsync(Cancelled), "");
            body = body.Replace(server.BaseAddress.Authority, "SERVER", StringComparison.Ordinal);
            responses[path] = $"{(int)response.StatusCode} {body}";
            Assert.StartsWith("200 ", responses[path], StringComparison.Ordinal);
        }
        return responses;
    }

    /// <summary>Asserts that a server returns the same responses as another one before.</summary>
    public async Task AssertResponsesAsync(Dictionary<string, string> before, UpdraftServer server)
    {
        var others = (await ResponsesAsync(server)).Where(response => before[response.Key] != response.Value)
            .Select(response => $"{response.Key} was\n{before[response.Key]}\nand is\n{response.Value}").ToList();
        Assert.True(others.Count == 0, string.Join('\n', others));
    }

    /// <summary>Completes the started upload at another server, with the upload URL of this one, and deploys it.</summary>
    public async Task CompleteUploadAsync(UpdraftServer server)
    {
        var url = new Uri(_open!.Url).PathAndQuery;
        using (var staged = await PutAsync("&comp=block&blockid=BBBB", OpenArchive[700..]))
            Assert.True(staged.IsSuccessStatusCode, await staged.Content.ReadAsStringAsync(Cancelled));
        using var committed = await PutAsync("&comp=blocklist",
            "<BlockList><Latest>AAAA</Latest><Latest>BBBB</Latest></BlockList>"u8.ToArray());
        await server.Client.PostOkAsync($"{server.OrganizationPath}/deployments/{DeploymentId}/deploys/{_open.DeployId}/finalize",
            new JsonObject { ["dagTarballVersion"] = await UploadSite.VersionOfAsync(committed) });

        async Task<HttpResponseMessage> PutAsync(string query, byte[] content)
        {
            using var body = new ByteArrayContent(content);
            return await server.Anonymous.PutAsync(new Uri(server.BaseAddress, url + query), body, Cancelled);
        }
    }

    /// <summary>Runs <c>import --json</c> and waits for its end.</summary>
    public async Task<(int Code, JsonNode? Report, string Error)> ImportAsync(Dictionary<string, string> target, params string[] flags)
    {
        using var process = StartImport(target, flags);
        var output = process.StandardOutput.ReadToEndAsync(Cancelled);
        var error = await process.StandardError.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        var text = await output;
        return (process.ExitCode, text.StartsWith('{') ? JsonNode.Parse(text) : null, error + text);
    }

    /// <summary>Starts <c>import --json</c>. The caller waits for its end or kills it.</summary>
    public Process StartImport(Dictionary<string, string> target, params string[] flags) => Process.Start(new ProcessStartInfo(
        Path.Join(AppContext.BaseDirectory, "Updraft.Server"), ["import", "--json", "--From", Server.DataDirectory, .. flags,
            .. target.Where(setting => setting.Value.Length > 0).Select(setting => $"--{setting.Key}={setting.Value}")])
    {
        UseShellExecute = false,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Receiver.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task FillAsync()
    {
        var organization = Server.OrganizationPath;
        var site = await AgentSite.CreateAsync(Server);
        DeploymentId = site.DeploymentId;
        AgentToken = site.Client.DefaultRequestHeaders.Authorization!.Parameter!;
        var hooks = WebhookSite.PathOf(Server);
        var hook = await Server.Client.PostOkAsync(hooks,
            new JsonObject { ["name"] = "chat", ["workspaceId"] = Server.WorkspaceId, ["url"] = Receiver.Url });
        WebhookSecret = hook.Text("secret");
        var versions = new List<string>();
        var deploys = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            var upload = await UploadSite.CreateAsync(Server, DeploymentId);
            var archive = new TarBuilder().File("dags/same.py", "# always").File($"dags/new{i}.py", $"# ünïcode {i}")
                .File("dags/empty.py", "");
            versions.Add(await upload.UploadAsync(archive.ToArray()));
            await upload.FinalizeAsync(versions[i]);
            deploys.Add(upload.DeployId);
        }
        await Server.Client.PostOkAsync($"{organization}/deployments/{DeploymentId}/deploys/{deploys[0]}/rollback", new JsonObject());
        Agent = await site.EnrollAsync();
        var state = await Agent.AskAsync(0, "ACTIVATE");
        Assert.Equal(3, state!.Revision);
        await Agent.ReportAsync(Updraft.Protocol.AgentPhase.Prepared, 3, 0);
        await Agent.ReportAsync(Updraft.Protocol.AgentPhase.Active, 3, 3);
        // An upload that has started and is not complete.
        _open = await UploadSite.CreateAsync(Server, DeploymentId);
        using (var staged = await _open.StageAsync("AAAA", OpenArchive[..700]))
            Assert.True(staged.IsSuccessStatusCode);
        var workspace = await Server.CreateWorkspaceAsync("Zürich");
        await Server.CreateDeploymentAsync("no dags", workspace, isDagDeployEnabled: false);
        await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", workspace, days: 30);
        var (user, _, _) = await Server.AddUserAsync("person@example.org");
        var deployment = $"{organization}/deployments/{DeploymentId}";
        var own = $"/updraft/v1/organizations/{Server.OrganizationId}/deployments/{DeploymentId}";
        _paths.AddRange(["/v1/organizations", organization, $"{organization}/workspaces", $"{organization}/workspaces/{workspace}",
            $"{organization}/deployments", deployment, $"{deployment}/deploys", $"{deployment}/bundles", $"{deployment}/agent-tokens",
            $"{organization}/tokens", $"{Server.LogPath()}?limit=1000",
            hooks, $"{hooks}/{hook.Text("id")}", $"{hooks}/{hook.Text("id")}/deliveries?limit=1000",
            $"{organization}/users", $"{organization}/users/{user}", $"{organization}/clusters", $"{organization}/roles",
            .. deploys.Select(deploy => $"{deployment}/deploys/{deploy}"),
            .. versions.Select(version => $"{own}/versions/{Uri.EscapeDataString(version)}/files")]);
        // The stop saves the last use of tokens.
        await Server.RestartAsync();
        // All deliveries of deploy events have been sent.
        await Poll.UntilAsync(async () =>
        {
            var deliveries = (await Server.Client.GetOkAsync($"{hooks}/{hook.Text("id")}/deliveries?limit=1000"))["deliveries"]!.AsArray();
            return deliveries.Count == (await Server.ReadLogAsync("type=deploy&limit=1000")).Count
                && deliveries.All(delivery => delivery!.AsObject().Text("status") == "DELIVERED");
        });
    }

    [GeneratedRegex("""\s*"lastUsedAt": ?"[^"]*",?|(?<=dags\?|\\u0026)(se|sig)=[^\\"]*""")]
    private static partial Regex VolatileValues();
}
