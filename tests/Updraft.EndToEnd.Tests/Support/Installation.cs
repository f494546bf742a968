using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Updraft.Client;
using Updraft.Protocol.Api;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>
/// A server and its agents as real processes, on free loopback ports and in a folder that goes when it is disposed. One Deployment. Used
/// the way that a user does: by HTTP and by what is on disk. Its data is in its folder, or where <see cref="DataPlace"/> says.
/// </summary>
internal sealed class Installation : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("updraft-e2e-").FullName;
    private readonly HttpClient _http = new();
    private readonly HttpClient _uploads = new() { Timeout = TimeSpan.FromMinutes(10) };
    private readonly List<AgentOnDisk> _agents = [];
    private readonly IReadOnlyList<string> _settings;
    private readonly DataPlace _place;
    private ChildProcess? _server;
    private UpdraftClient? _client;
    private string _organization = "", _deployment = "", _deploymentId = "";

    private Installation(DataPlace place, IReadOnlyList<string> settings)
    {
        (_place, _settings) = (place, settings);
    }

    public Uri Address { get; } = LoopbackPort.LeaseUrl();

    /// <summary>The owner's token.</summary>
    public string OwnerToken => _http.DefaultRequestHeaders.Authorization!.Parameter!;

    /// <summary>What an image registry must trust.</summary>
    public string RegistryCertificate => InDirectory("data/registry/token-certificate.pem");

    public ChildProcess Server => _server ?? throw new InvalidOperationException("The server does not run.");

    /// <summary>Starts a server with a Deployment and no agent.</summary>
    /// <param name="settings">More settings of the server, e.g. <c>--Uploads:MaxBytes=1000</c>.</param>
    public static async Task<Installation> StartAsync(params string[] settings)
    {
        var installation = new Installation(await DataPlace.ChooseAsync(settings), settings);
        try
        {
            await installation.SetUpAsync();
            return installation;
        }
        catch
        {
            await installation.DisposeAsync();
            throw;
        }
    }

    private async Task SetUpAsync()
    {
        await StartServerAsync();
        var token = await File.ReadAllTextAsync(InDirectory("owner-token"), TestContext.Current.CancellationToken);
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.Trim());
        await CreateDeploymentAsync(new UpdraftClient(Address, token));
    }

    /// <summary>Starts the server, also again after <see cref="KillServer"/>: same address, same data.</summary>
    public async Task StartServerAsync()
    {
        _server = new ChildProcess("dotnet", [Programs.ServerDll, $"--Data={InDirectory("data")}", $"--Listen={Address.OriginalString}",
            $"--PublicUrl={Address.OriginalString}", $"--Bootstrap:OwnerTokenFile={InDirectory("owner-token")}", .. _place.Settings, .. _settings]);
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
        var token = await CreateAgentTokenAsync(name);
        await File.WriteAllTextAsync(InDirectory(name + ".token"), token, TestContext.Current.CancellationToken);
        var agent = new AgentOnDisk(InDirectory(name),
            ["--server", (through ?? Address).OriginalString, "--token-file", InDirectory(name + ".token"), "--root", InDirectory(name), "--component", name, .. options]);
        _agents.Add(agent);
        agent.Start();
        return agent;
    }

    /// <summary>Makes a token for an agent of the Deployment.</summary>
    public async Task<string> CreateAgentTokenAsync(string name) =>
        (await Client.Tokens(_organization).CreateForAgentAsync(_deploymentId, new CreateAgentTokenRequest { Name = name },
            TestContext.Current.CancellationToken)).Token!;

    /// <summary>Makes a token that deploys to the Deployment and nowhere else.</summary>
    public async Task<string> CreateDeploymentTokenAsync() => (await Client.Tokens(_organization).CreateAsync(
        new CreateApiTokenRequest { Name = "ci", Scope = "DEPLOYMENT", Role = "DEPLOYMENT_ADMIN", EntityId = _deploymentId },
        TestContext.Current.CancellationToken)).Token!;

    /// <summary>Creates a second Deployment in the same Workspace; returns its id.</summary>
    public async Task<string> CreateSiblingAsync()
    {
        var workspace = await Client.ListWorkspacesAsync(_organization, TestContext.Current.CancellationToken).FirstAsync(TestContext.Current.CancellationToken);
        return (await Client.CreateDeploymentAsync(_organization,
            new CreateDeploymentRequest { Name = "sibling", WorkspaceId = workspace.Id, IsDagDeployEnabled = true },
            TestContext.Current.CancellationToken)).Id;
    }

    /// <summary>Deploys DAGs: create, upload, finalize. Returns the deploy's id.</summary>
    public async Task<string> DeployAsync(Tree dags)
    {
        var deploy = await Deploys.CreateAsync(new CreateDeployRequest { Type = "DAG_ONLY" }, TestContext.Current.CancellationToken);
        var version = await UploadAsync(deploy.DagsUploadUrl, dags.ToTar("dags"));
        await Deploys.FinalizeAsync(deploy.Id, new FinalizeDeployRequest { DagTarballVersion = version }, TestContext.Current.CancellationToken);
        return deploy.Id;
    }

    /// <summary>Creates a deploy of an image alone; returns its id and the reference that agents are told.</summary>
    public async Task<(string Id, string Reference)> CreateImageDeployAsync()
    {
        var deploy = await Deploys.CreateAsync(new CreateDeployRequest { Type = "IMAGE_ONLY" }, TestContext.Current.CancellationToken);
        return (deploy.Id, $"{deploy.ImageRepository}:{deploy.ImageTag}");
    }

    public async Task FinalizeImageAsync(string deploy) =>
        await Deploys.FinalizeAsync(deploy, new FinalizeDeployRequest(), TestContext.Current.CancellationToken);

    /// <summary>The steps of one agent with a deploy, by their names without its id, each with its status and its log.</summary>
    public async Task<IReadOnlyDictionary<string, (string Status, string Log)>> GetStepsAsync(string deploy, string agent)
    {
        var path = $"{_deployment.Replace("/v1/", "/v1alpha1/", StringComparison.Ordinal)}/deploys/{deploy}/steps";
        var steps = new Dictionary<string, (string, string)>(StringComparer.Ordinal);
        foreach (var step in (await GetAsync($"{path}?limit=1000"))["deploySteps"]!.AsArray())
        {
            if (!step!.Text("label").Contains($" by {agent} on ", StringComparison.Ordinal))
                continue;
            var id = step!.Text("id");
            var log = (await GetAsync($"{path}/{id}/logs?limit=1000"))["entries"]!.AsArray();
            steps[id[..id.LastIndexOf('-')]] = (step!.Text("status"), string.Join('\n', log.Select(line => line!.Text("message"))));
        }
        return steps;
    }

    /// <summary>Creates a DAG bundle; returns its id.</summary>
    public async Task<string> CreateDagBundleAsync(string name) =>
        (await PostAsync($"{_deployment}/bundles", new JsonObject { ["isDagBundle"] = true, ["name"] = name })).Text("id");

    /// <summary>Deploys DAGs to a DAG bundle by its name. Returns the deploy's id.</summary>
    public async Task<string> DeployToAsync(string name, Tree dags)
    {
        var deploy = await PostAsync($"{_deployment.Replace("/v1/", "/v1alpha1/", StringComparison.Ordinal)}/deploys",
            new JsonObject { ["type"] = "DAG", ["dagBundleName"] = name });
        var version = await UploadAsync(deploy.Text("dagsUploadUrl"), new ByteArrayContent(dags.ToTar("dags")));
        await FinalizeAsync(deploy.Text("id"), "dagTarballVersion", version);
        return deploy.Text("id");
    }

    /// <summary>Rolls one bundle back to a version.</summary>
    public Task<JsonNode> RollBackBundleAsync(string bundle, string version) =>
        PostAsync($"{_deployment}/bundles/{bundle}/rollback", new JsonObject { ["version"] = version });

    public Task<JsonNode> GetBundleAsync(string bundle) => GetAsync($"{_deployment}/bundles/{bundle}");

    public async Task<JsonArray> ListBundlesAsync() => (await GetAsync($"{_deployment}/bundles"))["bundles"]!.AsArray();

    public async Task DeleteBundleAsync(string bundle)
    {
        using var response = await _http.DeleteAsync(new Uri(Address, $"{_deployment}/bundles/{bundle}"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }

    /// <summary>Deploys a bundle.</summary>
    /// <param name="mount">Place below Airflow's home, e.g. <c>dbt/shop</c>.</param>
    /// <param name="tree">The files; null to remove the bundle.</param>
    public async Task<string> DeployBundleAsync(string mount, Tree? tree)
    {
        var deploy = await Deploys.CreateAsync(
            new CreateDeployRequest { Type = "BUNDLE", BundleType = "dbt", BundleMountPath = $"/usr/local/airflow/{mount}" },
            TestContext.Current.CancellationToken);
        var version = tree is null ? "" : await UploadAsync(deploy.BundleUploadUrl, tree.ToTar(null));
        await Deploys.FinalizeAsync(deploy.Id, new FinalizeDeployRequest { BundleTarballVersion = version }, TestContext.Current.CancellationToken);
        return deploy.Id;
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

    /// <summary>Uploads an archive that must be refused; returns the status and the text of the answer.</summary>
    public async Task<(HttpStatusCode Status, string Text)> UploadRefusedAsync(string address, byte[] archive)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, address) { Content = new ByteArrayContent(archive) };
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        using var response = await _uploads.SendAsync(request, TestContext.Current.CancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public Task<JsonNode> FinalizeAsync(string deploy, string field, string version) =>
        PostAsync($"{_deployment}/deploys/{deploy}/finalize", new JsonObject { [field] = version });

    public async Task<string> RollBackAsync(string deploy) =>
        (await Deploys.RollBackAsync(deploy, cancellationToken: TestContext.Current.CancellationToken)).Id;

    public Task<JsonNode> GetDeployAsync(string deploy) => GetAsync($"{_deployment}/deploys/{deploy}");

    /// <summary>The history, newest first.</summary>
    public async Task<JsonArray> ListDeploysAsync() => (await GetAsync($"{_deployment}/deploys?limit=1000"))["deploys"]!.AsArray();

    public Task<JsonNode> GetDeploymentAsync() => GetAsync(_deployment);

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in _agents)
            agent.Dispose();
        _server?.Dispose();
        _client?.Dispose();
        _http.Dispose();
        _uploads.Dispose();
        Directory.Delete(_folder, recursive: true);
        await _place.DisposeAsync();
    }

    private UpdraftClient Client => _client ?? throw new InvalidOperationException("There is no Deployment yet.");

    private DeploysClient Deploys => Client.Deploys(_organization, _deploymentId);

    private async Task CreateDeploymentAsync(UpdraftClient client)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        _client = client;
        _organization = (await client.ListOrganizationsAsync(cancellationToken).SingleAsync(cancellationToken)).Id;
        var workspace = await client.ListWorkspacesAsync(_organization, cancellationToken).FirstAsync(cancellationToken);
        var deployment = await client.CreateDeploymentAsync(_organization,
            new CreateDeploymentRequest { Name = "end to end", WorkspaceId = workspace.Id, IsDagDeployEnabled = true }, cancellationToken);
        _deploymentId = deployment.Id;
        _deployment = $"/v1/organizations/{_organization}/deployments/{_deploymentId}";
    }

    private async Task<string> UploadAsync(string? address, byte[] archive)
    {
        using var stream = new MemoryStream(archive);
        return await Deploys.UploadAsync(address!, stream, cancellationToken: TestContext.Current.CancellationToken);
    }

    private string InDirectory(string name) => Path.Join(_folder, name);

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
