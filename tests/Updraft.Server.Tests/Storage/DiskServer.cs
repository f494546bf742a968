using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace Updraft.Server.Tests.Storage;

/// <summary>A server with one part of its data directory on a small disk, which can become full or read-only.</summary>
internal sealed class DiskServer : IAsyncDisposable
{
    private readonly string _directory;

    private DiskServer(string directory, string disk, UpdraftServer server) => (_directory, Disk, Server) = (directory, disk, server);

    /// <summary>Mount point of the small disk.</summary>
    public string Disk { get; }

    public UpdraftServer Server { get; }

    /// <summary>Uncommitted files on the blob disk.</summary>
    public IEnumerable<string> Temporary => Directory.EnumerateFiles(Path.Join(_directory, "blobs", "tmp"));

    /// <summary>Starts a server, or skips the test if this process may not mount a file system.</summary>
    /// <param name="part"><c>blobs</c> or <c>database</c>.</param>
    /// <param name="options">Options of tmpfs, e.g. <c>size=16m</c>.</param>
    /// <param name="reserve">Bytes that uploads leave free.</param>
    public static async Task<DiskServer> StartAsync(string part, string options, long reserve = 0)
    {
        var directory = Directory.CreateTempSubdirectory("updraft-disk-").FullName;
        var disk = Directory.CreateDirectory(Path.Join(directory, part)).FullName;
        var problem = await TryRunAsync("mount", "-t", "tmpfs", "-o", options, "tmpfs", disk);
        if (problem is not null)
        {
            Directory.Delete(directory, recursive: true);
            Assert.Skip($"This process may not mount a file system, so no disk can be made full: {problem}");
        }
        try
        {
            var settings = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["Data"] = directory,
                ["Storage:Url"] = "",
                ["Storage:ReserveBytes"] = reserve.ToString(System.Globalization.CultureInfo.InvariantCulture),
            };
            return new DiskServer(directory, disk, await UpdraftServer.StartAsync(settings: settings));
        }
        catch
        {
            await TryRunAsync("umount", "--lazy", disk);
            throw;
        }
    }

    /// <summary>Fills the disk, except for some bytes.</summary>
    public void Fill(int leave = 0)
    {
        using var ballast = new FileStream(Path.Join(Disk, "ballast"), FileMode.Append);
        var piece = new byte[4096];
        try
        {
            while (new DriveInfo(Disk).AvailableFreeSpace > leave)
                ballast.Write(piece);
        }
        catch (IOException) when (new DriveInfo(Disk).AvailableFreeSpace < piece.Length)
        {
            // The disk is full, as intended.
        }
    }

    /// <summary>Uses all inodes.</summary>
    public void FillInodes()
    {
        Directory.CreateDirectory(Path.Join(Disk, "many"));
        try
        {
            for (var i = 0; i < 100_000; i++)
                File.WriteAllBytes(Path.Join(Disk, "many", $"{i}"), []);
        }
        catch (IOException)
        {
            return;
        }
        Assert.Fail("The disk has no limit of inodes.");
    }

    /// <summary>Deletes the files that filled the disk.</summary>
    public void Free()
    {
        File.Delete(Path.Join(Disk, "ballast"));
        if (Directory.Exists(Path.Join(Disk, "many")))
            Directory.Delete(Path.Join(Disk, "many"), recursive: true);
    }

    /// <summary>Makes the disk read-only or writable.</summary>
    public async Task RemountAsync(string mode) => Assert.Null(await TryRunAsync("mount", "-o", $"remount,{mode}", Disk));

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Assert.Null(await TryRunAsync("umount", "--lazy", Disk));
        Directory.Delete(_directory, recursive: true);
    }

    private static async Task<string?> TryRunAsync(string program, params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { UseShellExecute = false, RedirectStandardError = true })!;
        var error = await process.StandardError.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode == 0 ? null : error.Trim();
    }
}
