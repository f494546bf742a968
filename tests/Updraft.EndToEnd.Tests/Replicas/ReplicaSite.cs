using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests.Replicas;

/// <summary>What a server answered; the status is 0 when the connection broke before an answer came.</summary>
internal sealed record ServerAnswer(int Status, JsonNode? Body, string Text)
{
    public bool IsDone => Status is 200 or 201;

    /// <summary>Whether nobody knows if it was done: no answer, or the database went away meanwhile.</summary>
    public bool IsUnknown => Status is 0 or 503;

    /// <summary>Version of an uploaded archive.</summary>
    public string? Version { get; init; }
}

/// <summary>Two servers as real processes on a PostgreSQL of their own and one Azurite, and agents that know one server each.</summary>
internal sealed class ReplicaSite : IAsyncDisposable
{
    private const string OwnerToken = "a-token-that-the-operator-chose-and-nobody-guesses-0123456789";

    private readonly string _folder = Directory.CreateTempSubdirectory("updraft-e2e-replicas-").FullName;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(60) };
    private readonly Uri[] _addresses = [LoopbackPort.LeaseUrl(), LoopbackPort.LeaseUrl()];
    private readonly List<ChildProcess> _servers = [];
    private readonly List<Relay> _proxies = [];
    private readonly List<AgentOnDisk> _agents = [];
    private readonly PostgresServer _postgres;
    private string _database = "", _organization = "";

    private ReplicaSite(PostgresServer postgres) => _postgres = postgres;

    public PostgresServer Postgres => _postgres;

    /// <summary>How often an agent waited for news and none came.</summary>
    public long EmptyWaits => _proxies.Sum(proxy => proxy.EmptyWaits);

    public string Log => string.Join("\n", _servers.Select(server => string.Join('\n', server.Output.Split('\n').TakeLast(20))));

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<ReplicaSite> StartAsync()
    {
        var site = new ReplicaSite(await PostgresServer.StartAsync());
        try
        {
            await site.SetUpAsync();
            return site;
        }
        catch
        {
            await site.DisposeAsync();
            throw;
        }
    }

    private async Task SetUpAsync()
    {
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", OwnerToken);
        _database = await _postgres.CreateDatabaseAsync();
        string[] shared = [$"--Database:ConnectionString={_database}", $"--Keys={Path.Join(_folder, "keys")}", $"--Bootstrap:OwnerToken={OwnerToken}",
            $"--PublicUrl={_addresses[0].OriginalString}", .. (await ObjectStores.AzureAsync()).Select(setting => $"--{setting.Key}={setting.Value}")];
        foreach (var address in _addresses)
        {
            _servers.Add(new ChildProcess("dotnet",
                [Programs.ServerDll, $"--Data={Path.Join(_folder, $"data{_servers.Count}")}", $"--Listen={address.OriginalString}", .. shared]));
            _proxies.Add(new Relay(address, isPatient: true));
        }
        foreach (var address in _addresses)
            await Eventually.TrueAsync(async () => (await SendAsync(HttpMethod.Get, new Uri(address, "/healthz/ready"), null)).IsDone, "the server is ready", () => Log);
        _organization = (await MustAsync(HttpMethod.Get, "/v1/organizations"))["organizations"]![0]!.Text("id");
    }

    /// <summary>Creates a Deployment; returns its address.</summary>
    public async Task<string> CreateDeploymentAsync(string name)
    {
        var organization = $"/v1/organizations/{_organization}";
        var workspace = (await MustAsync(HttpMethod.Get, $"{organization}/workspaces"))["workspaces"]![0]!.Text("id");
        var made = await MustAsync(HttpMethod.Post, $"{organization}/deployments",
            new JsonObject { ["name"] = name, ["workspaceId"] = workspace, ["isDagDeployEnabled"] = true });
        return $"{organization}/deployments/{made.Text("id")}";
    }

    /// <summary>Starts an agent of a Deployment at one of the servers.</summary>
    public async Task<AgentOnDisk> StartAgentAsync(string deployment, int server)
    {
        var name = $"agent{_agents.Count}";
        var token = await MustAsync(HttpMethod.Post, $"{deployment}/agent-tokens", new JsonObject { ["name"] = name });
        await File.WriteAllTextAsync(Path.Join(_folder, name + ".token"), token.Text("token"), Cancelled);
        var agent = new AgentOnDisk(Path.Join(_folder, name),
            ["--server", _proxies[server].Address.OriginalString, "--token-file", Path.Join(_folder, name + ".token"), "--root", Path.Join(_folder, name), "--component", name]);
        _agents.Add(agent);
        agent.Start();
        return agent;
    }

    /// <summary>One request to either server, by chance.</summary>
    public Task<ServerAnswer> SendAsync(HttpMethod method, string path, JsonObject? body = null) =>
        SendAsync(method, Random.Shared.Next(_addresses.Length), path, body);

    /// <summary>One request to one server.</summary>
    public Task<ServerAnswer> SendAsync(HttpMethod method, int server, string path, JsonObject? body = null) =>
        SendAsync(method, new Uri(_addresses[server], path), body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"));

    /// <summary>Uploads an archive to either server.</summary>
    public Task<ServerAnswer> UploadAsync(string address, byte[] archive) => SendAsync(HttpMethod.Put,
        new Uri(_addresses[Random.Shared.Next(_addresses.Length)], new Uri(address).PathAndQuery), new ByteArrayContent(archive));

    /// <summary>The revision log of a Deployment, from the database.</summary>
    public async Task<IReadOnlyList<LogEntry>> ReadLogAsync(string deployment)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_database) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand("SELECT number, deploy_id FROM revisions WHERE deployment_id = $1 ORDER BY number", connection);
        command.Parameters.Add(new() { Value = deployment.Split('/')[^1] });
        var revisions = new List<(long Number, string Deploy)>();
        await using (var rows = await command.ExecuteReaderAsync(Cancelled))
        {
            while (await rows.ReadAsync(Cancelled))
                revisions.Add((rows.GetInt64(0), rows.GetString(1)));
        }
        var log = new List<LogEntry>();
        foreach (var (number, id) in revisions)
        {
            var deploy = await MustAsync(HttpMethod.Get, $"{deployment}/deploys/{id}");
            log.Add(new(number, id, deploy.Text("description"), deploy["dagTarballVersion"]?.GetValue<string>(), deploy["rollbackFromId"]?.GetValue<string>()));
        }
        return log;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in _agents)
            agent.Dispose();
        foreach (var proxy in _proxies)
            await proxy.DisposeAsync();
        foreach (var server in _servers)
            server.Dispose();
        _http.Dispose();
        await _postgres.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<JsonNode> MustAsync(HttpMethod method, string path, JsonObject? body = null)
    {
        var answer = await SendAsync(method, path, body);
        Assert.True(answer.IsDone, $"{method} {path}: {answer.Status} {answer.Text}\n{Log}");
        return answer.Body!;
    }

    private async Task<ServerAnswer> SendAsync(HttpMethod method, Uri address, HttpContent? content)
    {
        using var request = new HttpRequestMessage(method, address) { Content = content };
        if (method == HttpMethod.Put)
            request.Headers.Add("x-ms-blob-type", "BlockBlob");
        try
        {
            using var response = await _http.SendAsync(request, Cancelled);
            var text = await response.Content.ReadAsStringAsync(Cancelled);
            return new((int)response.StatusCode, text.StartsWith('{') ? JsonNode.Parse(text) : null, text)
            {
                Version = response.Headers.TryGetValues("x-ms-version-id", out var versions) ? versions.Single() : null,
            };
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException || (exception is OperationCanceledException && !Cancelled.IsCancellationRequested))
        {
            return new(0, null, exception.Message);
        }
    }
}
