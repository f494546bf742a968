using System.Diagnostics;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>
/// A block of the disk changes below the file system, so the file keeps its size and all its times. The root is on an image of a disk,
/// for which the test needs the permission to mount.
/// </summary>
[Trait("Runs", "ci")] // Mounts a file system, which needs root.
public sealed class BitRotTests : IAsyncLifetime
{
    private readonly TestAgent _agent = new();
    private readonly string _image = Path.Join(Path.GetTempPath(), "updraft-disk-" + Path.GetRandomFileName());
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        await using (var image = File.Create(_image))
            image.SetLength(32 * 1024 * 1024);
        Run("mkfs.ext4", "-q", "-O", "^has_journal", _image);
        Run("mount", "-o", "loop", _image, _agent.Root);
        _server = await StandInServer.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.StopIfRunningAsync();
        Run("umount", _agent.Root);
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
        File.Delete(_image);
    }

    [Fact]
    public async Task Rotten_file_that_trees_share_is_repaired_and_not_used_again()
    {
        _agent.Clock = new ShortHours();
        _agent.Start(_server.Address);
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("shared.py", "shared by two trees"), ("a.py", "one")))));
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("shared.py", "shared by two trees"), ("a.py", "two")))));
        var place = Path.Join(_agent.Root, "dags", "shared.py");
        Run("sync", "-f", place);

        Rot("shared by two trees", "SHARED");
        // The next read of the file is from the disk.
        Run("dd", "if=" + place, "of=/dev/null", "iflag=nocache", "count=0", "status=none");
        await _agent.WaitForLogAsync("tree_repaired");
        var repaired = _agent.Mounted("dags")["shared.py"];
        await _server.WaitForActiveAsync(_server.Deploy(("dags", Tree.Of(("shared.py", "shared by two trees"), ("a.py", "three")))));
        await _agent.StopAsync();

        Assert.Equal("shared by two trees", repaired.Text);
        Assert.Equal(repaired.Inode, _agent.Mounted("dags")["shared.py"].Inode);
    }

    /// <summary>Changes each block of the disk that begins with a text.</summary>
    private void Rot(string text, string damage)
    {
        using var disk = File.OpenHandle(_image, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        foreach (var offset in BlocksOf(disk, text))
            RandomAccess.Write(disk, Encoding.UTF8.GetBytes(damage), offset);
        Posix.Fsync(disk, _image);
    }

    private static IEnumerable<long> BlocksOf(SafeFileHandle disk, string text)
    {
        var (wanted, start, found) = (Encoding.UTF8.GetBytes(text), new byte[text.Length], 0);
        for (var offset = 0L; offset < RandomAccess.GetLength(disk); offset += 1024)
        {
            if (RandomAccess.Read(disk, start, offset) != start.Length || !start.AsSpan().SequenceEqual(wanted))
                continue;
            found++;
            yield return offset;
        }
        Assert.Equal(1, found);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
    }
}
