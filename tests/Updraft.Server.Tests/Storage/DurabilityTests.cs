using Updraft.Server.Tests.Support;

namespace Updraft.Server.Tests.Storage;

/// <summary>
/// Reliability section 0, rows 1 and 8, and C15: a write that the disk has not kept is never reported as kept. The system calls
/// are the kernel's, made to fail from outside.
/// </summary>
public sealed class DurabilityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("updraft-durable-").FullName;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Errors => new()
    {
        { "EIO", "Input/output error" },
        { "ENOSPC", "No space left on device" },
        { "EDQUOT", "Disk quota exceeded" },
    };

    [Theory]
    [MemberData(nameof(Errors))]
    public async Task A_failed_fsync_of_a_file_is_reported_and_the_file_before_it_stays(string error, string text)
    {
        var path = Path.Join(_folder, "file");
        await File.WriteAllTextAsync(path, "old", Cancelled);

        var (code, message, trace) = await ChildProgram.RunTracedAsync("write", path, "fsync", $"inject=fsync:error={error}");

        Assert.Contains(error, trace, StringComparison.Ordinal);
        Assert.True(code == ChildProgram.FailedAsReported, $"The write ended with {code}: {message}");
        Assert.Contains("fsync of", message, StringComparison.Ordinal);
        Assert.Contains(text, message, StringComparison.Ordinal);
        Assert.Equal("old", await File.ReadAllTextAsync(path, Cancelled));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public async Task A_failed_fsync_of_the_folder_after_the_rename_is_reported()
    {
        // The first fsync is the file's, the second its folder's.
        var (code, message, _) = await ChildProgram.RunTracedAsync("write", Path.Join(_folder, "file"), "fsync",
            "inject=fsync:error=EIO:when=2");
        Assert.True(code == ChildProgram.FailedAsReported, $"The write ended with {code}: {message}");
        Assert.Contains($"fsync of '{_folder}'", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_rename_is_reported_and_leaves_nothing()
    {
        var (code, message, _) = await ChildProgram.RunTracedAsync("write", Path.Join(_folder, "file"), "rename",
            "inject=rename:error=EIO");
        Assert.True(code == ChildProgram.FailedAsReported, $"The write ended with {code}: {message}");
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Theory]
    [InlineData("fsync-folder", "fsync")]
    [InlineData("sync-file-system", "syncfs")]
    public async Task A_folder_that_cannot_be_synced_is_reported(string task, string call)
    {
        var (code, message, _) = await ChildProgram.RunTracedAsync(task, _folder, call, $"inject={call}:error=EIO");
        Assert.True(code == ChildProgram.FailedAsReported, $"It ended with {code}: {message}");
        Assert.Contains($"{call} of '{_folder}'", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_syncs_the_file_before_the_rename_and_the_folder_after_it()
    {
        var path = Path.Join(_folder, "file");
        var (code, message, trace) = await ChildProgram.RunTracedAsync("write", path, "fsync,rename");
        Assert.True(code == ChildProgram.Done, message);
        var calls = trace.Split('\n').Where(line => line.Contains('(', StringComparison.Ordinal))
            .Select(line => line.Split('(')[0].Split(' ')[^1]);
        Assert.Equal("fsync rename fsync", string.Join(' ', calls));
    }

    [Fact]
    public void A_rename_replaces_a_link_to_a_folder_in_one_step()
    {
        var (one, two, link, next) = (Path.Join(_folder, "one"), Path.Join(_folder, "two"), Path.Join(_folder, "link"), Path.Join(_folder, "next"));
        Directory.CreateDirectory(one);
        Directory.CreateDirectory(two);
        File.WriteAllText(Path.Join(two, "marker"), "two");
        Directory.CreateSymbolicLink(link, one);
        Directory.CreateSymbolicLink(next, two);

        Posix.Rename(next, link);

        Assert.Equal(two, new DirectoryInfo(link).LinkTarget);
        Assert.True(File.Exists(Path.Join(link, "marker")));
        Assert.True(Directory.Exists(one));
    }

    [Fact]
    public void A_folder_that_is_missing_or_a_file_cannot_be_synced()
    {
        Assert.Throws<FileNotFoundException>(() => Posix.FsyncDirectory(Path.Join(_folder, "missing")));
        var file = Path.Join(_folder, "file");
        File.WriteAllText(file, "x");
        Assert.Throws<IOException>(() => Posix.FsyncDirectory(file));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
