using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Updraft.Rigs;

/// <summary>
/// One installation in a folder of its own: a server or several, Deployments with their ledgers, and an agent for the first of them.
/// <code>
/// data/        the server's; data1/ that of a second one
/// keys/        what several servers share
/// airflow/     the agent's root
/// tokens/      owner token, agent token
/// home/ tmp/   what the programs are told to use; must stay empty
/// beside/      must stay as it is
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

    /// <param name="options">Which programs.</param>
    /// <param name="folder">Where; null for a temporary folder that goes at the end.</param>
    public Site(RigOptions options, string? folder = null)
    {
        _options = options;
        _isKept = folder is not null;
        Folder = folder ?? Directory.CreateTempSubdirectory("updraft-rig-").FullName;
        Replicas = [.. Enumerable.Range(0, options.Replicas).Select(number => new Replica(number))];
        foreach (var name in (string[])["tokens", "home", "tmp", "beside"])
            Directory.CreateDirectory(In(name));
        File.WriteAllText(In("beside/file"), "untouched");
    }

    public string Folder { get; }

    public string DataDirectory { get; init; } = "data";

    public List<Ledger> Ledgers { get; } = [];

    public IReadOnlyList<Replica> Replicas { get; }

    /// <summary>The first server.</summary>
    public ChildProcess? Server => Replicas[0].Process;

    public ChildProcess? Agent { get; private set; }

    public Api Api { get; private set; } = null!;

    public string AgentFolder { get; init; } = "airflow";

    public string Root => In(AgentFolder);

    private Dictionary<string, string> Environment => new() { ["HOME"] = In("home"), ["TMPDIR"] = In("tmp") };

    public string In(string name) => Path.Join(Folder, name);

    /// <summary>Lets the servers work on a database of their own in a PostgreSQL, and on a place of their own in Azurite.</summary>
    public async Task ShareAsync(PostgresServer postgres)
    {
        (_postgres, _database) = (postgres, await postgres.CreateDatabaseAsync());
        _shared = [$"--Keys={In("keys")}", .. (await ObjectStores.AzureAsync()).Select(setting => $"--{setting.Key}={setting.Value}")];
    }

    /// <summary>Starts a server and gives it up before it is ready, to be killed.</summary>
    public void LaunchServer(IReadOnlyDictionary<string, string>? environment = null, Replica? replica = null)
    {
        replica ??= Replicas[0];
        replica.Process = new ChildProcess(["dotnet", _options.ServerDll, $"--Data={In(DataFolderOf(replica))}", $"--Listen={replica.Address.OriginalString}",
            $"--PublicUrl={Replicas[0].Address.OriginalString}", $"--Bootstrap:OwnerTokenFile={In("tokens/owner")}", "--Storage:ReserveBytes=0",
            .. _shared, .. _postgres is null ? (string[])[] : [$"--Database:ConnectionString={_database};Application Name={replica.ApplicationName}"]],
            (environment ?? new Dictionary<string, string>()).Concat(Environment).ToDictionary());
    }

    /// <summary>Starts a server and waits until it is ready.</summary>
    public async Task StartServerAsync(IReadOnlyDictionary<string, string>? environment = null, Replica? replica = null)
    {
        replica ??= Replicas[0];
        LaunchServer(environment, replica);
        using var probe = new Api(replica.Address, "");
        Answer? said = null;
        await EventuallyAsync(async () =>
        {
            ViolationException.Require(!replica.Process!.HasExited, "restart", "the server does not start:\n" + replica.Process.Tail);
            said = await probe.GetAsync("/healthz/ready");
            return said is { Status: 200 };
        }, "restart", () => $"the server is not ready, {said?.Status} {said?.Text}:\n{replica.Process!.Tail}");
        replica.IsLeft = false;
        Api?.Dispose();
        Api = ApiWith((await File.ReadAllTextAsync(In("tokens/owner"))).Trim());
    }

    /// <summary>The same servers for another token.</summary>
    public Api ApiWith(string token) => new(Choose, token);

    public void KillServer(Replica? replica = null)
    {
        replica ??= Replicas[0];
        replica.Process?.Dispose();
        replica.Process = null;
    }

    /// <summary>
    /// Turns away from a server that dies, and waits until PostgreSQL has forgotten it: a commit that it had sent may be carried out after
    /// its death.
    /// </summary>
    public async Task LeaveAsync(Replica replica)
    {
        replica.IsLeft = true;
        ViolationException.Require(await replica.Process!.ExitsWithinAsync(TimeSpan.FromSeconds(35)), "C13", "the server did not end");
        await EventuallyAsync(async () => await _postgres!.CountSessionsAsync(replica.ApplicationName) == 0, "sessions",
            () => $"{replica.ApplicationName} is dead, but its sessions are not");
    }

    public async Task AddDeploymentAsync()
    {
        var organization = Api.Must(await Api.GetAsync("/v1/organizations"), "organizations")["organizations"]![0]!["id"]!.GetValue<string>();
        var workspace = Api.Must(await Api.GetAsync($"/v1/organizations/{organization}/workspaces"), "workspaces")["workspaces"]![0]!["id"]!.GetValue<string>();
        var created = Api.Must(await Api.PostAsync($"/v1/organizations/{organization}/deployments", new JsonObject
        {
            ["name"] = $"rig {Ledgers.Count}",
            ["workspaceId"] = workspace,
            ["isDagDeployEnabled"] = true,
        }), "create Deployment");
        var id = created["id"]!.GetValue<string>();
        var path = $"/v1/organizations/{organization}/deployments/{id}";
        var token = Api.Must(await Api.PostAsync($"{path}/agent-tokens", new JsonObject { ["name"] = "rig" }), "agent token")["token"]!.GetValue<string>();
        Ledgers.Add(new Ledger(id, path, token));
        if (Ledgers.Count == 1)
            await File.WriteAllTextAsync(In("tokens/agent"), token);
    }

    public void StartAgent(params string[] more) => Agent = new ChildProcess([_options.AgentBinary, "--server", Replicas[0].Address.OriginalString,
        "--token-file", In("tokens/agent"), "--root", Root, .. more], Environment);

    public void KillAgent()
    {
        Agent?.Dispose();
        Agent = null;
    }

    /// <summary>I6.</summary>
    public void CheckSurroundings()
    {
        var known = new HashSet<string>(StringComparer.Ordinal) { AgentFolder.Split('/')[0], "keys", "tokens", "home", "tmp", "beside" };
        known.UnionWith(Replicas.Select(replica => DataFolderOf(replica).Split('/')[0]));
        var strange = Directory.EnumerateFileSystemEntries(Folder).Select(Path.GetFileName).FirstOrDefault(name => !known.Contains(name!))
            ?? Directory.EnumerateFileSystemEntries(In("home")).Concat(Directory.EnumerateFileSystemEntries(In("tmp"))).FirstOrDefault();
        ViolationException.Require(strange is null, "I6", $"{strange} appeared");
        ViolationException.Require(Directory.GetFileSystemEntries(In("beside")) is [var only] && File.ReadAllText(only) == "untouched", "I6", "beside/ changed");
    }

    /// <summary>Asks again and again; the deadline is for failures only.</summary>
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

    /// <summary>Any server that is not known to be dead.</summary>
    private Uri Choose()
    {
        var alive = Replicas.Where(replica => !replica.IsLeft).ToList();
        return alive[Random.Shared.Next(alive.Count)].Address;
    }
}
