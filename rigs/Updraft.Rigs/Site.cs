using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Updraft.Rigs;

/// <summary>
/// One installation in its own directory: one server or replicas, Deployments with their ledgers, and an agent of the first Deployment.
/// <code>
/// data/        data of the server; data1/ for the second replica
/// keys/        files that replicas share
/// airflow/     root of the agent
/// tokens/      owner token, agent token
/// home/ tmp/   HOME and TMPDIR of the programs; must stay empty
/// other/       must not change
/// </code>
/// </summary>
internal sealed class Site : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly RigOptions _options;
    private readonly bool _isKept;
    private PostgresServer? _postgres;
    private IReadOnlyList<string> _shared = [];
    private string _database = "";

    /// <param name="options">Options of the rig.</param>
    /// <param name="folder">Directory of the installation; null for a temporary directory, which disposal deletes.</param>
    public Site(RigOptions options, string? folder = null)
    {
        _options = options;
        _isKept = folder is not null;
        Folder = folder ?? Directory.CreateTempSubdirectory("updraft-rig-").FullName;
        Replicas = [.. Enumerable.Range(0, options.Replicas).Select(number => new Replica(number))];
        foreach (var name in (string[])["tokens", "home", "tmp", "other"])
            Directory.CreateDirectory(In(name));
        File.WriteAllText(In("other/file"), "untouched");
    }

    public string Folder { get; }

    public string DataDirectory { get; init; } = "data";

    public List<Ledger> Ledgers { get; } = [];

    public IReadOnlyList<Replica> Replicas { get; }

    /// <summary>Process of the first replica; null if it does not run.</summary>
    public ChildProcess? Server => Replicas[0].Process;

    public ChildProcess? Agent { get; private set; }

    public Api Api { get; private set; } = null!;

    public string AgentFolder { get; init; } = "airflow";

    public string Root => In(AgentFolder);

    private Dictionary<string, string> Environment => new() { ["HOME"] = In("home"), ["TMPDIR"] = In("tmp") };

    public string In(string name) => Path.Join(Folder, name);

    /// <summary>Gives the replicas a new database in a PostgreSQL, and a new prefix in Azurite.</summary>
    public async Task ShareAsync(PostgresServer postgres)
    {
        (_postgres, _database) = (postgres, await postgres.CreateDatabaseAsync());
        _shared = [$"--Keys={In("keys")}", .. (await ObjectStores.AzureAsync()).Select(setting => $"--{setting.Key}={setting.Value}")];
    }

    /// <summary>Starts a server and returns before it is ready, so that the caller can kill it early.</summary>
    public void LaunchServer(IReadOnlyDictionary<string, string>? environment = null, Replica? replica = null)
    {
        replica ??= Replicas[0];
        var (data, url) = (In(DataFolderOf(replica)), replica.Address.OriginalString);
        replica.Process = new ChildProcess(["dotnet", _options.ServerDll, $"--Data={data}", $"--Listen={url}",
            $"--PublicUrl={Replicas[0].Address.OriginalString}", $"--Bootstrap:OwnerTokenFile={In("tokens/owner")}",
            "--Storage:ReserveBytes=0",
            .. _shared,
            .. _postgres is null ? (string[])[] : [$"--Database:ConnectionString={_database};Application Name={replica.ApplicationName}"]],
            (environment ?? new Dictionary<string, string>()).Concat(Environment).ToDictionary());
    }

    /// <summary>Starts a server and waits until it is ready.</summary>
    public async Task StartServerAsync(IReadOnlyDictionary<string, string>? environment = null, Replica? replica = null)
    {
        replica ??= Replicas[0];
        LaunchServer(environment, replica);
        using var probe = new Api(replica.Address, "");
        ApiResponse? health = null;
        await EventuallyAsync(async () =>
        {
            ViolationException.Require(!replica.Process!.HasExited, "restart", "the server does not start:\n" + replica.Process.Tail);
                health = await probe.GetAsync("/healthz/ready");
                return health is { Status: 200 };
            }, "restart", () => $"the server is not ready, {health?.Status} {health?.Text}:\n{replica.Process!.Tail}");
        replica.HasFailed = false;
        Api?.Dispose();
        Api = ApiWith((await File.ReadAllTextAsync(In("tokens/owner"))).Trim());
    }

    /// <summary>A client of the same servers with another token.</summary>
    public Api ApiWith(string token) => new(Choose, token);

    public void KillServer(Replica? replica = null)
    {
        replica ??= Replicas[0];
        replica.Process?.Dispose();
        replica.Process = null;
    }

    /// <summary>
    /// Sends no more requests to a dying replica, and waits until PostgreSQL has ended its sessions. A commit that the replica had sent may
    /// take effect after its death.
    /// </summary>
    public async Task ExcludeAsync(Replica replica)
    {
        replica.HasFailed = true;
        ViolationException.Require(await replica.Process!.ExitsWithinAsync(TimeSpan.FromSeconds(35)), "C13", "the server did not exit");
        await EventuallyAsync(async () => await _postgres!.CountSessionsAsync(replica.ApplicationName) == 0, "sessions",
            () => $"{replica.ApplicationName} is dead, but its sessions still exist");
    }

    public async Task AddDeploymentAsync()
    {
        var organizations = Api.Must(await Api.GetAsync("/v1/organizations"), "organizations")["organizations"];
        var organization = organizations![0]!["id"]!.GetValue<string>();
        var workspaces = Api.Must(await Api.GetAsync($"/v1/organizations/{organization}/workspaces"), "workspaces")["workspaces"];
        var workspace = workspaces![0]!["id"]!.GetValue<string>();
        var deployment = Api.Must(await Api.PostAsync($"/v1/organizations/{organization}/deployments", new JsonObject
        {
            ["name"] = $"rig {Ledgers.Count}",
            ["workspaceId"] = workspace,
            ["isDagDeployEnabled"] = true,
        }), "create Deployment");
        var id = deployment["id"]!.GetValue<string>();
        var path = $"/v1/organizations/{organization}/deployments/{id}";
        var created = Api.Must(await Api.PostAsync($"{path}/agent-tokens", new JsonObject { ["name"] = "rig" }), "agent token");
        var token = created["token"]!.GetValue<string>();
        Ledgers.Add(new Ledger(id, path, token));
        if (Ledgers.Count == 1)
            await File.WriteAllTextAsync(In("tokens/agent"), token);
    }

    public void StartAgent(params string[] more) => Agent = new ChildProcess(
        [
            _options.AgentBinary, "--server", Replicas[0].Address.OriginalString,
            "--token-file", In("tokens/agent"), "--root", Root, .. more,
        ],
        Environment);

    public void KillAgent()
    {
        Agent?.Dispose();
        Agent = null;
    }

    /// <summary>I6: the programs write only to their own directories.</summary>
    public void CheckSurroundings()
    {
        var known = new HashSet<string>(StringComparer.Ordinal) { AgentFolder.Split('/')[0], "keys", "tokens", "home", "tmp", "other" };
        known.UnionWith(Replicas.Select(replica => DataFolderOf(replica).Split('/')[0]));
        var strange = Directory.EnumerateFileSystemEntries(Folder).Select(Path.GetFileName).FirstOrDefault(name => !known.Contains(name!))
            ?? Directory.EnumerateFileSystemEntries(In("home")).Concat(Directory.EnumerateFileSystemEntries(In("tmp"))).FirstOrDefault();
        ViolationException.Require(strange is null, "I6", $"{strange} appeared");
        var isUntouched = Directory.GetFileSystemEntries(In("other")) is [var only] && File.ReadAllText(only) == "untouched";
        ViolationException.Require(isUntouched, "I6", "other/ changed");
    }

    /// <summary>Polls the condition. Only a failure reaches the deadline.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> condition, string rule, Func<string> otherwise)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            ViolationException.Require(clock.Elapsed < Patience, rule, $"not within {Patience.TotalSeconds} s: {otherwise()}");
            await Task.Delay(5);
        }
    }

    public void Dispose()
    {
        KillAgent();
        foreach (var replica in Replicas)
            KillServer(replica);
        Api?.Dispose();
        if (!_isKept)
            Directory.Delete(Folder, recursive: true);
    }

    private string DataFolderOf(Replica replica) => replica.Number == 0 ? DataDirectory : $"{DataDirectory}{replica.Number}";

    /// <summary>A random replica that has not failed.</summary>
    private Uri Choose()
    {
        var alive = Replicas.Where(replica => !replica.HasFailed).ToList();
        return alive[Random.Shared.Next(alive.Count)].Address;
    }
}
