using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Updraft.Protocol;

namespace Updraft.Bench;

/// <summary>P7: memory of server and agent, and the times of their starts.</summary>
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

    /// <summary>Measures the server memory for each waiting agent.</summary>
    private static async Task WaitAsync(BenchOptions options, Site site, Table table)
    {
        var count = options.Samples(WaitingAgents);
        var token = await site.CreateAgentTokenAsync("waiting");
        var ids = await EnrollAsync(site, token, count);
        await site.StopServerAsync();
        await site.StartServerAsync();
        // A first thousand requests load the code that a server needs for any number of agents.
        using (var first = await ConnectAsync(site, token, ids.Take(count / 10)))
            await SettleAsync(site.Server);
        var before = await SettleAsync(site.Server);
        using var connections = await ConnectAsync(site, token, ids);
        var after = await SettleAsync(site.Server);
        var memory = (double)(after - before) / count;
        table.Value("P7", string.Create(CultureInfo.InvariantCulture, $"server memory for each of {count:#,0} waiting agents"),
            memory, Figures.Bytes, Goal.AtMost(10_000));
    }

    /// <summary>Enrolls one agent over HTTP, and copies its row for the others.</summary>
    private static async Task<IReadOnlyList<string>> EnrollAsync(Site site, string token, int count)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(site.Address, AgentRoutes.Enroll));
        request.Headers.Authorization = new("Bearer", token);
        var enrollment = new EnrollRequest
        {
            InstanceId = EntityId.New(TimeProvider.System),
            Host = "bench",
            Component = "bench",
            AgentVersion = "0",
        };
        request.Content = JsonContent.Create(enrollment, AgentJson.Default.EnrollRequest);
        using var response = await site.Http.SendAsync(request);
        var agent = (await response.Content.ReadFromJsonAsync(AgentJson.Default.EnrollResponse))!.AgentId;
        await site.StopServerAsync();
        await site.RepeatRowAsync("agents", $"id = '{agent}'", count, "id = n.id, instance_id = n.id");
        await site.StartServerAsync();
        return [.. Enumerable.Range(1, count).Select(i => Site.RepeatedId(i))];
    }

    /// <summary>Opens long polls without a pending notification, each on its own connection, as agents do.</summary>
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
                var path = $"{AgentRoutes.State}?agentId={id}&epoch=1&revision=1&phase=ACTIVATE&wait=60";
                await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\n"
                    + $"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nUser-Agent: updraft-agent/0\r\nAccept-Encoding: gzip\r\n\r\n"));
            }));
        }
        return connections;
    }

    /// <summary>Waits until a program is idle; returns its memory in bytes.</summary>
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
        var peak = site.Server.PeakMemoryBytes;
        table.Value("P7", "server memory at its peak, during an upload of 1 GiB", peak, Figures.Bytes, Goal.AtMost(250_000_000));
    }

    private static async Task RestAsync(BenchOptions options, Site site, Table table)
    {
        var project = options.NewFolder("p7-project");
        Project.Write(project, 1500);
        using var deployer = new Deployer(site, project);
        await deployer.AddAgentsAsync(1);
        await deployer.DeployAsync();
        await deployer.DeployAsync();
        var rest = await SettleAsync(deployer.Agents.Single());
        table.Value("P7", "agent memory at rest, 5,000 files deployed", rest, Figures.Bytes, Goal.AtMost(20_000_000));
        var peak = Figures.Bytes(deployer.Agents.Single().PeakMemoryBytes);
        table.Note($"Agent memory at its peak, while it deploys one changed file of 5,000: {peak}.");
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

    /// <summary>Measures the time from the start of the agent's process to its first request.</summary>
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
            var url = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
            using var agent = new ChildProcess(
                [options.AgentBin, "--server", url, "--token-file", token, "--root", Path.Join(folder, "root")]);
            using var connection = await listener.AcceptSocketAsync();
            await connection.ReceiveAsync(new byte[1]);
            // The first start loads the program into memory.
            if (i > 0)
                samples.Add(clock.Elapsed.TotalMilliseconds);
        }
        table.Value("P7", "agent, from the start of its process to its first request",
            Figures.Median(samples), Figures.Milliseconds, Goal.AtMost(50));
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
