using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Updraft.Protocol;

namespace Updraft.Bench;

/// <summary>P7: memory of server and agent, and how long they take to start.</summary>
internal static class Footprint
{
    private const int WaitingAgents = 10_000;
    private const long Gibibyte = 1024L * 1024 * 1024;

    public static async Task RunAsync(BenchOptions options, Table table)
    {
        using (var site = await Site.StartAsync(options, "p7", "--Uploads:MaxBytes=2000000000", "--Archives:MaxUnpackedBytes=2000000000"))
        {
            await Deploying.SmallAsync(site);
            await WaitAsync(options, site, table);
            await UploadAsync(options, site, table);
            await RestAsync(options, site, table);
            await StartAsync(options, site, table);
        }
        await FirstRequestAsync(options, table);
    }

    /// <summary>Memory of the server for each agent that waits.</summary>
    private static async Task WaitAsync(BenchOptions options, Site site, Table table)
    {
        var count = options.Samples(WaitingAgents);
        var token = await site.CreateAgentTokenAsync("waiting");
        var ids = await EnrollAsync(site, token, count);
        await site.StopServerAsync();
        await site.StartServerAsync();
        // A first thousand requests bring up what any server needs, however many agents there are.
        using (var first = await ConnectAsync(site, token, ids.Take(count / 10)))
            await SettleAsync(site.Server);
        var before = await SettleAsync(site.Server);
        using var connections = await ConnectAsync(site, token, ids);
        var after = await SettleAsync(site.Server);
        table.Value("P7", string.Create(CultureInfo.InvariantCulture, $"server memory for each of {count:#,0} waiting agents"), (double)(after - before) / count,
            Figures.Bytes, Goal.AtMost(10_000));
    }

    /// <summary>One agent by HTTP; the others are copies of its row.</summary>
    private static async Task<IReadOnlyList<string>> EnrollAsync(Site site, string token, int count)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(site.Address, AgentRoutes.Enroll));
        request.Headers.Authorization = new("Bearer", token);
        request.Content = JsonContent.Create(new EnrollRequest { InstanceId = EntityId.New(TimeProvider.System), Host = "bench", Component = "bench", AgentVersion = "0" },
            AgentJson.Default.EnrollRequest);
        using var answer = await site.Http.SendAsync(request);
        var agent = (await answer.Content.ReadFromJsonAsync(AgentJson.Default.EnrollResponse))!.AgentId;
        await site.StopServerAsync();
        await site.RepeatRowAsync("agents", $"id = '{agent}'", count, "id = n.id, instance_id = n.id");
        await site.StartServerAsync();
        return [.. Enumerable.Range(1, count).Select(i => Site.RepeatedId(i))];
    }

    /// <summary>Long polls that have nothing to hear, each on a connection of its own, as agents hold them.</summary>
    private static async Task<Connections> ConnectAsync(Site site, string token, IEnumerable<string> ids)
    {
        var connections = new Connections();
        foreach (var batch in ids.Chunk(100))
        {
            await Task.WhenAll(batch.Select(async id =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                connections.Add(socket);
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, site.Address.Port));
                await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {AgentRoutes.State}?agentId={id}&epoch=1&revision=1&phase=ACTIVATE&wait=60 HTTP/1.1\r\n"
                    + $"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nUser-Agent: updraft-agent/0\r\nAccept-Encoding: gzip\r\n\r\n"));
            }));
        }
        return connections;
    }

    /// <summary>Waits until a program has done what there was; its memory then.</summary>
    private static async Task<long> SettleAsync(ChildProcess program)
    {
        TimeSpan before;
        do
        {
            before = program.CpuTime;
            await Task.Delay(1500);
        }
        while (program.CpuTime - before > TimeSpan.FromMilliseconds(60));
        return program.MemoryBytes;
    }

    private static async Task UploadAsync(BenchOptions options, Site site, Table table)
    {
        await site.StopServerAsync();
        await site.StartServerAsync();
        var length = options.IsQuick ? Gibibyte / 8 : Gibibyte;
        var deploy = await site.CreateDeployAsync(site.Deployment);
        await site.UploadAsync(deploy.DagsUploadUrl!, new LargeTar(length));
        table.Value("P7", "server memory at its peak, during an upload of 1 GiB", site.Server.PeakMemoryBytes, Figures.Bytes, Goal.AtMost(250_000_000));
    }

    private static async Task RestAsync(BenchOptions options, Site site, Table table)
    {
        var project = options.NewFolder("p7-project");
        Project.Write(project, 1500);
        using var deployer = new Deployer(site, project);
        await deployer.AddAgentsAsync(1);
        await deployer.DeployAsync();
        await deployer.DeployAsync();
        table.Value("P7", "agent memory at rest, 5,000 files deployed", await SettleAsync(deployer.Agents.Single()), Figures.Bytes, Goal.AtMost(20_000_000));
        table.Note($"Agent memory at its peak, while it deploys one changed file of 5,000: {Figures.Bytes(deployer.Agents.Single().PeakMemoryBytes)}.");
    }

    private static async Task StartAsync(BenchOptions options, Site site, Table table)
    {
        var samples = new List<double>();
        for (var i = 0; i < options.Samples(5); i++)
        {
            await site.StopServerAsync();
            samples.Add((await site.StartServerAsync()).TotalMilliseconds);
        }
        table.Note($"Server, from the start of its process to ready, with data: {Figures.Milliseconds(Figures.Median(samples))}.");
    }

    /// <summary>From the start of the agent's process to its first request.</summary>
    private static async Task FirstRequestAsync(BenchOptions options, Table table)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var folder = options.NewFolder("p7-start");
        var token = Path.Join(folder, "token");
        await File.WriteAllTextAsync(token, new string('t', 100));
        var samples = new List<double>();
        for (var i = 0; i <= options.Samples(30); i++)
        {
            var clock = Stopwatch.StartNew();
            using var agent = new ChildProcess([options.AgentBin, "--server", $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}", "--token-file", token,
                "--root", Path.Join(folder, "root")]);
            using var connection = await listener.AcceptSocketAsync();
            await connection.ReceiveAsync(new byte[1]);
            // The first one brings the program into memory.
            if (i > 0)
                samples.Add(clock.Elapsed.TotalMilliseconds);
        }
        table.Value("P7", "agent, from the start of its process to its first request", Figures.Median(samples), Figures.Milliseconds, Goal.AtMost(50));
    }

    private sealed class Connections : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public void Add(Socket socket)
        {
            lock (_sockets)
                _sockets.Add(socket);
        }

        public void Dispose()
        {
            foreach (var socket in _sockets)
                socket.Dispose();
        }
    }
}
