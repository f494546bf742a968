using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>
/// A server and its agents as real processes, on free loopback ports and in a folder that goes when it is disposed. One Deployment. Used
/// the way that a user does: by HTTP and by what is on disk.
/// </summary>
internal sealed class Installation : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("updraft-e2e-").FullName;
    private readonly HttpClient _http = new();
    private readonly HttpClient _uploads = new() { Timeout = TimeSpan.FromMinutes(10) };
    private readonly List<AgentOnDisk> _agents = [];
    private readonly IReadOnlyList<string> _settings;
    private RunningProgram? _server;
    private string _deployment = "";

    private Installation(IReadOnlyList<string> settings)
    {
        _settings = settings;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }

    public Uri Address { get; }

    public RunningProgram Server => _server ?? throw new InvalidOperationException("The server does not run.");

    /// <summary>Starts a server with a Deployment and no agent.</summary>
    /// <param name="settings">More settings of the server, e.g. <c>--Uploads:MaxBytes=1000</c>.</param>
    public static async Task<Installation> StartAsync(params string[] settings)
    {
        var installation = new Installation(settings);
        await installation.StartServerAsync();
        var token = await File.ReadAllTextAsync(installation.InFolder("owner-token"), TestContext.Current.CancellationToken);
        installation._http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.Trim());
        var organization = (await installation.GetAsync("/v1/organizations"))["organizations"]![0]!.Text("id");
        var workspace = (await installation.GetAsync($"/v1/organizations/{organization}/workspaces"))["workspaces"]![0]!.Text("id");
        var created = await installation.PostAsync($"/v1/organizations/{organization}/deployments",
            new JsonObject { ["name"] = "end to end", ["workspaceId"] = workspace, ["isDagDeployEnabled"] = true });
        installation._deployment = $"/v1/organizations/{organization}/deployments/{created.Text("id")}";
        return installation;
    }

    /// <summary>Starts the server, also again after <see cref="KillServer"/>: same address, same data.</summary>
    public async Task StartServerAsync()
    {
        _server = new RunningProgram("dotnet", [Programs.ServerDll, $"--Data={InFolder("data")}", $"--Listen={Address.OriginalString}",
            $"--PublicUrl={Address.OriginalString}", $"--Bootstrap:OwnerTokenFile={InFolder("owner-token")}", .. _settings]);
        await Eventually.TrueAsync(IsReadyAsync, "the server is ready", () => _server.Output);
    }

    /// <summary>SIGKILL.</summary>
    public void KillServer()
    {
        Server.Kill();
        Server.Dispose();
        _server = null;
    }

    /// <summary>Starts one more agent with a root and a token of its own.</summary>
    /// <param name="through">Where it finds the server, if not directly.</param>
    /// <param name="options">More options of the agent.</param>
    public async Task<AgentOnDisk> StartAgentAsync(Uri? through = null, params string[] options)
    {
        var name = $"agent-{_agents.Count}";
        var token = (await PostAsync($"{_deployment}/agent-tokens", new JsonObject { ["name"] = name })).Text("token");
        await File.WriteAllTextAsync(InFolder(name + ".token"), token, TestContext.Current.CancellationToken);
        var agent = new AgentOnDisk(InFolder(name),
            ["--server", (through ?? Address).OriginalString, "--token-file", InFolder(name + ".token"), "--root", InFolder(name), "--component", name, .. options]);
        _agents.Add(agent);
        agent.Start();
        return agent;
    }

    /// <summary>Deploys DAGs: create, upload, finalize. Returns the deploy's id.</summary>
    public async Task<string> DeployAsync(Tree dags)
    {
        var deploy = await CreateDeployAsync(new JsonObject { ["type"] = "DAG_ONLY" });
        var version = await UploadAsync(deploy.Text("dagsUploadUrl"), new ByteArrayContent(dags.ToTar("dags")));
        await FinalizeAsync(deploy.Text("id"), "dagTarballVersion", version);
        return deploy.Text("id");
    }

    /// <summary>Deploys a bundle.</summary>
    /// <param name="mount">Place below Airflow's home, e.g. <c>dbt/shop</c>.</param>
    /// <param name="tree">The files; null to remove the bundle.</param>
    public async Task<string> DeployBundleAsync(string mount, Tree? tree)
    {
        var deploy = await CreateDeployAsync(
            new JsonObject { ["type"] = "BUNDLE", ["bundleType"] = "dbt", ["bundleMountPath"] = $"/usr/local/airflow/{mount}" });
        var version = tree is null ? "" : await UploadAsync(deploy.Text("bundleUploadUrl"), new ByteArrayContent(tree.ToTar(null)));
        await FinalizeAsync(deploy.Text("id"), "bundleTarballVersion", version);
        return deploy.Text("id");
    }

    public Task<JsonNode> CreateDeployAsync(JsonObject request) => PostAsync($"{_deployment}/deploys", request);

    /// <summary>Uploads an archive and returns its version.</summary>
    public async Task<string> UploadAsync(string address, HttpContent archive)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, address) { Content = archive };
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        using var response = await _uploads.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == HttpStatusCode.Created,
            $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}\n{_server?.Output}");
        return response.Headers.GetValues("x-ms-version-id").Single();
    }

    public Task<JsonNode> FinalizeAsync(string deploy, string field, string version) =>
        PostAsync($"{_deployment}/deploys/{deploy}/finalize", new JsonObject { [field] = version });

    public async Task<string> RollBackAsync(string deploy) =>
        (await PostAsync($"{_deployment}/deploys/{deploy}/rollback", new JsonObject())).Text("id");

    public Task<JsonNode> GetDeployAsync(string deploy) => GetAsync($"{_deployment}/deploys/{deploy}");

    /// <summary>The history, newest first.</summary>
    public async Task<JsonArray> ListDeploysAsync() => (await GetAsync($"{_deployment}/deploys?limit=1000"))["deploys"]!.AsArray();

    public Task<JsonNode> GetDeploymentAsync() => GetAsync(_deployment);

    public ValueTask DisposeAsync()
    {
        foreach (var agent in _agents)
            agent.Dispose();
        _server?.Dispose();
        _http.Dispose();
        _uploads.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private string InFolder(string name) => Path.Join(_folder, name);

    private async Task<bool> IsReadyAsync()
    {
        Assert.False(Server.HasExited, Server.Output);
        try
        {
            using var response = await _http.GetAsync(new Uri(Address, "/healthz/ready"), TestContext.Current.CancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task<JsonNode> GetAsync(string path)
    {
        using var response = await _http.GetAsync(new Uri(Address, path), TestContext.Current.CancellationToken);
        return await ReadAsync(response);
    }

    private async Task<JsonNode> PostAsync(string path, JsonObject body)
    {
        using var response = await _http.PostAsJsonAsync(new Uri(Address, path), body, TestContext.Current.CancellationToken);
        return await ReadAsync(response);
    }

    private async Task<JsonNode> ReadAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{response.RequestMessage?.RequestUri}: {(int)response.StatusCode} {text}\n{_server?.Output}");
        return JsonNode.Parse(text)!;
    }
}

internal static class JsonText
{
    /// <summary>A field that must be there.</summary>
    public static string Text(this JsonNode node, string field) =>
        node[field]?.GetValue<string>() ?? throw new InvalidOperationException($"There is no '{field}' in {node}.");
}
