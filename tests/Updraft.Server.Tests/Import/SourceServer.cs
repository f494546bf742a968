using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Updraft.Server.Tests.Archives;
using Updraft.Server.Tests.Bundles;
using Updraft.Server.Tests.Events;
using Updraft.Server.Tests.Rollouts;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Import;

/// <summary>An embedded installation with something of everything in it, and the program that imports it.</summary>
internal sealed partial class SourceServer : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("updraft-import-").FullName;
    private readonly List<string> _paths = [];
    private UploadSite? _open;
    private int _targets;

    private SourceServer(UpdraftServer server, WebhookReceiver receiver) => (Server, Receiver) = (server, receiver);

    public UpdraftServer Server { get; }

    /// <summary>Its owner's token.</summary>
    public string OwnerToken => Server.OwnerToken;

    /// <summary>A Deployment with two versions of its DAGs, of which the first one was gone back to.</summary>
    public string DeploymentId { get; private set; } = "";

    /// <summary>An agent of the Deployment, which runs its newest revision.</summary>
    public TestAgent Agent { get; private set; } = null!;

    public string AgentToken { get; private set; } = "";

    /// <summary>Is told of the Deployment's deploys.</summary>
    public WebhookReceiver Receiver { get; }

    /// <summary>With which the webhook signs.</summary>
    public string WebhookSecret { get; private set; } = "";

    /// <summary>An archive of which the first bytes are uploaded to the source.</summary>
    private static byte[] OpenArchive => UploadSite.Tar("# half here, half there");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    // Nobody is heard between the two servers, and neither is to notice.
    private static Dictionary<string, string> Settings => new(StringComparer.Ordinal)
    {
        ["Database:ConnectionString"] = "",
        ["Storage:Url"] = "",
        ["Agents:LiveFor"] = "00:30:00",
        ["Webhooks:AllowedNetworks"] = "127.0.0.1",
    };

    /// <summary>Starts one and fills it.</summary>
    public static async Task<SourceServer> StartAsync()
    {
        var source = new SourceServer(await UpdraftServer.StartAsync(settings: Settings), await WebhookReceiver.StartAsync());
        await source.FillAsync();
        return source;
    }

    /// <summary>Settings of a target in a data folder of its own.</summary>
    public Dictionary<string, string> Target(TestDatabase? database, IReadOnlyDictionary<string, string>? storage = null, string? data = null)
    {
        var settings = Settings;
        settings["Data"] = data ?? Path.Join(_folder, $"target-{++_targets}");
        settings["Bootstrap:OwnerToken"] = OwnerToken;
        settings["Database:ConnectionString"] = database?.ConnectionString ?? "";
        // Not those of the store that all tests use.
        foreach (var name in (string[])["Storage:AzureConnectionString", "Storage:AccessKey", "Storage:SecretKey"])
            settings[name] = "";
        foreach (var (name, value) in storage ?? TestStorage.Folder)
            settings[name] = value;
        return settings;
    }

    /// <summary>
    /// What the API says about everything, without what the asking itself changes: when a token was used, and until when the upload address
    /// that is signed for the answer is good.
    /// </summary>
    public async Task<Dictionary<string, string>> AnswersAsync(UpdraftServer server)
    {
        var answers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var path in _paths)
        {
            using var answer = await server.Client.GetAsync(path, Cancelled);
            answers[path] = $"{(int)answer.StatusCode} {OfTheAsking().Replace(await answer.Content.ReadAsStringAsync(Cancelled), "")
                .Replace(server.BaseAddress.Authority, "SERVER", StringComparison.Ordinal)}";
            Assert.StartsWith("200 ", answers[path], StringComparison.Ordinal);
        }
        return answers;
    }

    /// <summary>A server answers as another one did before.</summary>
    public async Task AssertAnswersAsync(Dictionary<string, string> before, UpdraftServer server)
    {
        var others = (await AnswersAsync(server)).Where(answer => before[answer.Key] != answer.Value)
            .Select(answer => $"{answer.Key} was\n{before[answer.Key]}\nand is\n{answer.Value}").ToList();
        Assert.True(others.Count == 0, string.Join('\n', others));
    }

    /// <summary>Ends at another server the upload that has begun here, at the address that this one gave; deploys it.</summary>
    public async Task EndUploadAsync(UpdraftServer server)
    {
        var address = new Uri(_open!.Url).PathAndQuery;
        using (var staged = await PutAsync("&comp=block&blockid=BBBB", OpenArchive[700..]))
            Assert.True(staged.IsSuccessStatusCode, await staged.Content.ReadAsStringAsync(Cancelled));
        using var committed = await PutAsync("&comp=blocklist", "<BlockList><Latest>AAAA</Latest><Latest>BBBB</Latest></BlockList>"u8.ToArray());
        await server.Client.PostOkAsync($"{server.OrganizationPath}/deployments/{DeploymentId}/deploys/{_open.DeployId}/finalize",
            new JsonObject { ["dagTarballVersion"] = await UploadSite.VersionOfAsync(committed) });

        async Task<HttpResponseMessage> PutAsync(string query, byte[] content)
        {
            using var body = new ByteArrayContent(content);
            return await server.Anonymous.PutAsync(new Uri(server.BaseAddress, address + query), body, Cancelled);
        }
    }

    /// <summary>Runs <c>import --json</c> to its end.</summary>
    public async Task<(int Code, JsonNode? Report, string Error)> ImportAsync(Dictionary<string, string> target, params string[] flags)
    {
        using var process = StartImport(target, flags);
        var output = process.StandardOutput.ReadToEndAsync(Cancelled);
        var error = await process.StandardError.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        var text = await output;
        return (process.ExitCode, text.StartsWith('{') ? JsonNode.Parse(text) : null, error + text);
    }

    /// <summary>Starts <c>import --json</c>; the caller waits for it, or kills it.</summary>
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
        Directory.Delete(_folder, recursive: true);
    }

    private async Task FillAsync()
    {
        var organization = Server.OrganizationPath;
        var site = await AgentSite.CreateAsync(Server);
        DeploymentId = site.DeploymentId;
        AgentToken = site.Client.DefaultRequestHeaders.Authorization!.Parameter!;
        var hooks = WebhookSite.PathOf(Server);
        var hook = await Server.Client.PostOkAsync(hooks, new JsonObject { ["name"] = "chat", ["workspaceId"] = Server.WorkspaceId, ["url"] = Receiver.Url });
        WebhookSecret = hook.Text("secret");
        var versions = new List<string>();
        var deploys = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            var upload = await UploadSite.CreateAsync(Server, DeploymentId);
            var archive = new TarBuilder().File("dags/same.py", "# always").File($"dags/new{i}.py", $"# ünïcode {i}").File("dags/empty.py", "");
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
        // An upload that has begun and not ended.
        _open = await UploadSite.CreateAsync(Server, DeploymentId);
        using (var staged = await _open.StageAsync("AAAA", OpenArchive[..700]))
            Assert.True(staged.IsSuccessStatusCode);
        var workspace = await Server.CreateWorkspaceAsync("Zürich");
        await Server.CreateDeploymentAsync("no dags", workspace, isDagDeployEnabled: false);
        await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", workspace, days: 30);
        var (user, _, _) = await Server.AddUserAsync("person@example.org");
        var deployment = $"{organization}/deployments/{DeploymentId}";
        _paths.AddRange(["/v1/organizations", organization, $"{organization}/workspaces", $"{organization}/workspaces/{workspace}", $"{organization}/deployments",
            deployment, $"{deployment}/deploys", $"{deployment}/bundles", $"{deployment}/agent-tokens", $"{organization}/tokens",
            $"{Server.LogPath()}?limit=1000", hooks, $"{hooks}/{hook.Text("id")}", $"{hooks}/{hook.Text("id")}/deliveries?limit=1000",
            $"{organization}/users", $"{organization}/users/{user}", $"{organization}/clusters", $"{organization}/roles",
            .. deploys.Select(deploy => $"{deployment}/deploys/{deploy}"),
            .. versions.Select(version => $"/updraft/v1/organizations/{Server.OrganizationId}/deployments/{DeploymentId}/versions/{Uri.EscapeDataString(version)}/files")]);
        // What the API shows of a token's last use is written down at a stop.
        await Server.RestartAsync();
        // Nothing is under way: all that the log says of deploys has been sent.
        await Poll.UntilAsync(async () =>
        {
            var deliveries = (await Server.Client.GetOkAsync($"{hooks}/{hook.Text("id")}/deliveries?limit=1000"))["deliveries"]!.AsArray();
            return deliveries.Count == (await Server.ReadLogAsync("type=deploy&limit=1000")).Count
                && deliveries.All(delivery => delivery!.AsObject().Text("status") == "DELIVERED");
        });
    }

    [GeneratedRegex("""\s*"lastUsedAt": ?"[^"]*",?|(?<=dags\?|\\u0026)(se|sig)=[^\\"]*""")]
    private static partial Regex OfTheAsking();
}
