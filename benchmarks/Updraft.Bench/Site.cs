using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Updraft.Client;
using Updraft.Protocol.Api;

namespace Updraft.Bench;

/// <summary>A published server in a folder of its own, with one Deployment. Ended and removed when disposed.</summary>
internal sealed class Site : IDisposable
{
    public const string IdPrefix = "c0000000bench";
    private readonly BenchOptions _options;
    private readonly List<ChildProcess> _agents = [];
    private readonly IReadOnlyList<string> _settings;
    private readonly int? _core;
    private UpdraftClient? _client;

    private Site(BenchOptions options, string name, IReadOnlyList<string> settings, int? core = null)
    {
        (_options, _settings, _core) = (options, settings, core);
        Folder = options.NewFolder(name);
        Address = new Uri($"http://127.0.0.1:{LoopbackPort.Lease()}");
    }

    public string Folder { get; }

    public Uri Address { get; }

    public HttpClient Http { get; } = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromMinutes(5) };

    public ChildProcess Server { get; private set; } = null!;

    public string OwnerToken { get; private set; } = "";

    public string Organization { get; private set; } = "";

    public string Deployment { get; private set; } = "";

    public string Database => Path.Join(Folder, "data/database/updraft.db");

    /// <summary>Certificate that an image registry must trust.</summary>
    public string RegistryCertificate => Path.Join(Folder, "data/registry/token-certificate.pem");

    public UpdraftClient Client => _client!;


    public string DeploysPath => $"/v1/organizations/{Organization}/deployments/{Deployment}/deploys";
    public static Task<Site> StartAsync(BenchOptions options, string name, params string[] settings) =>
        StartAsync(new Site(options, name, settings), null);

    /// <summary>Starts one of several servers on a database, on a core of its own.</summary>
    /// <param name="options">What the command line says.</param>
    /// <param name="name">Of its folder.</param>
    /// <param name="core">The only core that it may use.</param>
    /// <param name="first">A server that runs already; null for the first one.</param>
    /// <param name="settings">Database and keys.</param>
    public static Task<Site> StartReplicaAsync(BenchOptions options, string name, int core, Site? first, params string[] settings) =>
        StartAsync(new Site(options, name, settings, core), first);

    private static async Task<Site> StartAsync(Site site, Site? first)
    {
        await site.StartServerAsync();
        site.OwnerToken = first?.OwnerToken ?? (await File.ReadAllTextAsync(Path.Join(site.Folder, "owner-token"))).Trim();
        site.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", site.OwnerToken);
        site._client = new UpdraftClient(site.Address, site.OwnerToken);
        await foreach (var organization in site.Client.ListOrganizationsAsync())
            site.Organization = organization.Id;
        site.Deployment = first?.Deployment ?? await site.CreateDeploymentAsync("bench");
        return site;
    }

    /// <summary>Starts the server, also again, and waits until it is ready; says how long that took.</summary>
    public async Task<TimeSpan> StartServerAsync()
    {
        var clock = Stopwatch.StartNew();
        string[] pinned = _core is { } core ? ["taskset", "-c", $"{core}"] : [];
        Server = new ChildProcess([.. pinned, "dotnet", _options.ServerDll, $"--Data={Path.Join(Folder, "data")}", $"--Listen={Address.OriginalString}",
            $"--PublicUrl={Address.OriginalString}", $"--Bootstrap:OwnerTokenFile={Path.Join(Folder, "owner-token")}", .. _settings]);
        while (true)
        {
            try
            {
                using var answer = await Http.GetAsync(new Uri(Address, "/healthz/ready"));
                if (answer.StatusCode == HttpStatusCode.OK)
                    return clock.Elapsed;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            if (Server.HasExited || clock.Elapsed > TimeSpan.FromSeconds(60))
                throw new BenchException("The server does not start.\n" + Server.Output);
            await Task.Delay(2);
        }
    }

    /// <summary>Ends the server in good order.</summary>
    public async Task StopServerAsync()
    {
        await Server.StopAsync();
        Server.Dispose();
    }

    public async Task<string> CreateDeploymentAsync(string name)
    {
        var workspace = "";
        await foreach (var found in Client.ListWorkspacesAsync(Organization))
            workspace = found.Id;
        var deployment = await Client.CreateDeploymentAsync(Organization,
            new CreateDeploymentRequest { Name = name, WorkspaceId = workspace, IsDagDeployEnabled = true });
        return deployment.Id;
    }

    public async Task<string> CreateAgentTokenAsync(string name) =>
        (await Client.Tokens(Organization).CreateForAgentAsync(Deployment, new CreateAgentTokenRequest { Name = name })).Token!;

    /// <summary>Starts an agent with a token and a root of its own.</summary>
    public async Task<(ChildProcess Agent, string Root)> StartAgentAsync(string name, Uri? through = null)
    {
        var (command, root) = await AgentCommandAsync(name, through);
        var agent = new ChildProcess(command);
        _agents.Add(agent);
        return (agent, root);
    }

    /// <summary>What starts an agent that has a token and an empty root of its own.</summary>
    public async Task<(IReadOnlyList<string> Command, string Root)> AgentCommandAsync(string name, Uri? through = null)
    {
        var (root, token) = (Path.Join(Folder, "agents", name), Path.Join(Folder, name + ".token"));
        Directory.CreateDirectory(root);
        await File.WriteAllTextAsync(token, await CreateAgentTokenAsync(name));
        return ([_options.AgentBin, "--server", (through ?? Address).OriginalString, "--token-file", token, "--root", root, "--component", name,
            // Fewer trees than by default: what is kept takes no time when something is delivered, but much when the bench tidies up.
            "--keep-trees", "2", "--keep-minutes", "0"], root);
    }

    /// <summary>Uploads an archive in one request, as curl would; returns the version.</summary>
    public async Task<string> UploadAsync(string address, string archive)
    {
        await using var file = File.OpenRead(archive);
        return await UploadAsync(address, new StreamContent(file, 256 * 1024));
    }

    public async Task<string> UploadAsync(string address, HttpContent archive)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, address) { Content = archive };
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        using var response = await Http.SendAsync(request);
        return response.StatusCode == HttpStatusCode.Created
            ? response.Headers.GetValues("x-ms-version-id").Single()
            : throw new BenchException($"The upload: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    /// <summary>Creates a deploy and uploads its DAGs; what remains is to finalize.</summary>
    public async Task<(string Deploy, string Version)> PrepareDeployAsync(string archive, string? deployment = null)
    {
        var deploy = await CreateDeployAsync(deployment ?? Deployment);
        return (deploy.Id, await UploadAsync(deploy.DagsUploadUrl!, archive));
    }

    public Task<DeployResponse> CreateDeployAsync(string deployment) =>
        Client.Deploys(Organization, deployment).CreateAsync(new CreateDeployRequest { Type = "DAG_ONLY", Description = "bench" });

    public Task FinalizeAsync((string Deploy, string Version) prepared, string? deployment = null) =>
        Client.Deploys(Organization, deployment ?? Deployment).FinalizeAsync(prepared.Deploy, new FinalizeDeployRequest { DagTarballVersion = prepared.Version });

    /// <summary>Runs SQL on the database while the server is down.</summary>
    public async Task ExecuteSqlAsync(string sql)
    {
        var script = Path.Join(Folder, "script.sql");
        await File.WriteAllTextAsync(script, sql);
        await ChildProcess.RunAsync(["sh", "-ec", $"sqlite3 -bail '{Database}' <'{script}'"]);
    }

    /// <summary>Copies a row while the server is down: so many, with other values in some columns, <c>n.i</c> from 1 and <c>n.id</c> among them.</summary>
    public Task RepeatRowAsync(string table, string where, int count, string changes) => ExecuteSqlAsync($"""
        PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-200000;
        BEGIN;
        CREATE TEMP TABLE numbers AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
          SELECT i, '{IdPrefix}' || printf('%012d', i) AS id FROM n;
        {RepeatSql(table, $"(SELECT * FROM {table} WHERE {where})", changes)}
        COMMIT;
        PRAGMA wal_checkpoint(TRUNCATE);
        """);

    /// <summary>The statement that copies a row for each of <c>numbers n</c>. The columns are those of the table, whatever they are, but for a few.</summary>
    public string RepeatSql(string table, string row, string changes)
    {
        var changed = changes.Split(", ").Select(change => change.Split(" = ", 2)).ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);
        var columns = ChildProcess.RunAsync(["sqlite3", Database, $"SELECT name FROM pragma_table_info('{table}');"]).GetAwaiter().GetResult()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return $"INSERT INTO {table} ({string.Join(", ", columns)}) SELECT {string.Join(", ", columns.Select(column => changed.GetValueOrDefault(column, "o." + column)))} "
            + $"FROM numbers n, {row} o ORDER BY n.i;";
    }

    public static string RepeatedId(int number) => IdPrefix + number.ToString("d12", CultureInfo.InvariantCulture);

    public void Dispose()
    {
        foreach (var agent in _agents)
            agent.Dispose();
        Server.Dispose();
        _client?.Dispose();
        Http.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
