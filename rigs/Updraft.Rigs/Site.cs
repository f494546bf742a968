using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Updraft.Rigs;

/// <summary>
/// One installation in a folder of its own: a server, Deployments with their ledgers, and an agent for the first of them.
/// <code>
/// data/        the server's
/// airflow/     the agent's root
/// tokens/      owner token, agent token
/// home/ tmp/   what the programs are told to use; must stay empty
/// beside/      must stay as it is
/// </code>
/// </summary>
internal sealed class Site : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly RigOptions _options;
    private readonly Uri _address;
    private readonly bool _isKept;

    /// <param name="options">Which programs.</param>
    /// <param name="folder">Where; null for a temporary folder that goes at the end.</param>
    public Site(RigOptions options, string? folder = null)
    {
        _options = options;
        _isKept = folder is not null;
        Folder = folder ?? Directory.CreateTempSubdirectory("updraft-rig-").FullName;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        foreach (var name in (string[])["tokens", "home", "tmp", "beside"])
            Directory.CreateDirectory(In(name));
        File.WriteAllText(In("beside/file"), "untouched");
    }

    public string Folder { get; }

    public string DataFolder { get; init; } = "data";

    public List<Ledger> Ledgers { get; } = [];

    public ChildProcess? Server { get; private set; }

    public ChildProcess? Agent { get; private set; }

    public Api Api { get; private set; } = null!;

    public string AgentFolder { get; init; } = "airflow";

    public string Root => In(AgentFolder);

    private Dictionary<string, string> Environment => new() { ["HOME"] = In("home"), ["TMPDIR"] = In("tmp") };

    public string In(string name) => Path.Join(Folder, name);

    /// <summary>Starts the server and gives it up before it is ready, to be killed.</summary>
    public void LaunchServer(IReadOnlyDictionary<string, string>? environment = null) => Server = new ChildProcess(["dotnet", _options.ServerDll,
        $"--Data={In(DataFolder)}", $"--Listen={_address.OriginalString}", $"--PublicUrl={_address.OriginalString}",
        $"--Bootstrap:OwnerTokenFile={In("tokens/owner")}", "--Storage:ReserveBytes=0"], (environment ?? new Dictionary<string, string>()).Concat(Environment).ToDictionary());

    /// <summary>Starts the server and waits until it is ready.</summary>
    public async Task StartServerAsync(IReadOnlyDictionary<string, string>? environment = null)
    {
        LaunchServer(environment);
        using var probe = new Api(_address, "");
        await EventuallyAsync(async () =>
        {
            ViolationException.Require(!Server!.HasExited, "restart", "the server does not start:\n" + Server.Tail);
            return (await probe.GetAsync("/healthz/ready")) is { Status: 200 };
        }, "restart", () => "the server is not ready:\n" + Server!.Tail);
        Api?.Dispose();
        Api = new Api(_address, (await File.ReadAllTextAsync(In("tokens/owner"))).Trim());
    }

    /// <summary>The same server for another token.</summary>
    public Api ApiWith(string token) => new(_address, token);

    public void KillServer()
    {
        Server?.Dispose();
        Server = null;
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

    public void StartAgent(params string[] more) => Agent = new ChildProcess([_options.AgentBinary, "--server", _address.OriginalString,
        "--token-file", In("tokens/agent"), "--root", Root, .. more], Environment);

    public void KillAgent()
    {
        Agent?.Dispose();
        Agent = null;
    }

    /// <summary>I6.</summary>
    public void CheckSurroundings()
    {
        var known = new HashSet<string>(StringComparer.Ordinal) { DataFolder.Split('/')[0], AgentFolder.Split('/')[0], "tokens", "home", "tmp", "beside" };
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
        KillServer();
        Api?.Dispose();
        if (!_isKept)
            Directory.Delete(Folder, recursive: true);
    }
}
