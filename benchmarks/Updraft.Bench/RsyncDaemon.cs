using System.Globalization;

namespace Updraft.Bench;

/// <summary>A folder served by an <c>rsync</c> daemon on loopback, and its copies.</summary>
internal sealed class RsyncDaemon : IDisposable
{
    private readonly string _folder;
    private readonly ChildProcess _daemon;
    private int _copies;

    private RsyncDaemon(string folder)
    {
        _folder = folder;
        Port = LoopbackPort.Lease();
        _daemon = new ChildProcess(["rsync", "--daemon", "--no-detach", "--address=127.0.0.1", $"--port={Port}", $"--config={folder}/rsyncd.conf"]);
    }

    public int Port { get; }

    public static async Task<RsyncDaemon> StartAsync(BenchOptions options, string project)
    {
        var folder = options.NewFolder("rsync");
        await File.WriteAllTextAsync(Path.Join(folder, "rsyncd.conf"), $"""
            use chroot = no
            max connections = 0
            reverse lookup = no
            [project]
            path = {project}/dags
            read only = yes
            {(Environment.IsPrivilegedProcess ? "uid = root\ngid = root" : "")}
            """);
        var rsync = new RsyncDaemon(folder);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await ChildProcess.RunAsync(["rsync", From(rsync.Port)]);
                return rsync;
            }
            catch (BenchException) when (attempt < 200)
            {
                await Task.Delay(20);
            }
        }
    }

    public Task CopyOneAsync(int port) => ChildProcess.RunAsync(["sh", "-ec", $"exec {Command(port)} one/"], _folder);

    public async Task CopyAsync(int count)
    {
        _copies = count;
        for (var i = 0; i < count; i++)
            await ChildProcess.RunAsync(["sh", "-ec", $"exec {Command(Port)} copy-{i}/"], _folder);
    }

    /// <summary>Brings all copies up to date at once; milliseconds until the last has the change.</summary>
    public async Task<double> CopyAllAsync()
    {
        var start = TimeProvider.System.GetUtcNow();
        await ChildProcess.RunAsync(["sh", "-c", $"for i in $(seq 0 {_copies - 1}); do {Command(Port)} copy-$i/ & done; wait"], _folder);
        var changed = Project.PathOf(2345)["dags/".Length..];
        return await Delivery.NewestAsync(Enumerable.Range(0, _copies).Select(i => Path.Join(_folder, string.Create(CultureInfo.InvariantCulture, $"copy-{i}"), changed)), start);
    }

    public void Dispose()
    {
        _daemon.StopAsync().GetAwaiter().GetResult();
        _daemon.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string From(int port) => string.Create(CultureInfo.InvariantCulture, $"rsync://127.0.0.1:{port}/project/");

    private static string Command(int port) => $"rsync -a --delete {From(port)}";
}
