using System.Globalization;

namespace Updraft.Bench;

/// <summary>A project in a repository, served by <c>git daemon</c> on loopback, and its clones.</summary>
internal sealed class GitDaemon : IDisposable
{
    private readonly string _folder, _project;
    private readonly ChildProcess _daemon;
    private int _clones, _round = 100_000;

    private GitDaemon(string folder, string project)
    {
        (_folder, _project) = (folder, project);
        Port = LoopbackPort.Lease();
        _daemon = new ChildProcess(["git", "daemon", "--reuseaddr", "--listen=127.0.0.1", $"--port={Port}", "--export-all", $"--base-path={folder}", folder]);
    }

    public int Port { get; }

    private const string Push = "git add -A && git -c user.name=bench -c user.email=bench@localhost commit -qm change && git push -q origin HEAD:main";

    public static async Task<GitDaemon> StartAsync(BenchOptions options, string project)
    {
        var folder = options.NewFolder("git");
        await ChildProcess.RunAsync(["git", "init", "-q", "--bare", "-b", "main", Path.Join(folder, "project.git")]);
        var git = new GitDaemon(folder, project);
        await ChildProcess.RunAsync(["sh", "-ec", $"git init -q -b main . && git remote add origin '{folder}/project.git' && {Push}"], project);
        return git;
    }

    public async Task CloneAsync(int count)
    {
        _clones = count;
        for (var i = 0; i < count; i++)
            await ChildProcess.RunAsync(["git", "clone", "-q", $"git://127.0.0.1:{Port}/project.git", Clone(i)]);
    }

    /// <summary>Changes a file and pushes it.</summary>
    public async Task CommitAsync()
    {
        Project.Change(_project, ++_round);
        await ChildProcess.RunAsync(["sh", "-ec", Push], _project);
    }

    /// <summary>Lets every clone fetch and check out at once; milliseconds until the last has the change.</summary>
    public async Task<double> FetchAllAsync()
    {
        var start = TimeProvider.System.GetUtcNow();
        await ChildProcess.RunAsync(["sh", "-c", $"for i in $(seq 0 {_clones - 1}); do (cd clone-$i && git fetch -q origin main && git checkout -q FETCH_HEAD) & done; wait"], _folder);
        return await Delivery.NewestAsync(Enumerable.Range(0, _clones).Select(i => Path.Join(Clone(i), Project.PathOf(2345))), start);
    }

    public void Dispose()
    {
        // The daemon ends its children when it is asked to end.
        _daemon.StopAsync().GetAwaiter().GetResult();
        _daemon.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Clone(int number) => Path.Join(_folder, string.Create(CultureInfo.InvariantCulture, $"clone-{number}"));
}
