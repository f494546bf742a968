using Updraft.Server.Tests.Support;

namespace Updraft.Server.Tests.Storage;

/// <summary>
/// A failed write is never reported as durable. The tests inject failures into system calls with strace.
/// </summary>
public sealed class DurabilityTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("updraft-durable-").FullName;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Errors => new()
    {
        { "EIO", "Input/output error" },
        { "ENOSPC", "No space left on device" },
        { "EDQUOT", "Disk quota exceeded" },
    };

    [Theory]
    [MemberData(nameof(Errors))]
    public async Task Failed_fsync_of_a_file_is_reported_and_keeps_the_file(string error, string text)
    {
        var path = Path.Join(_directory, "file");
        await File.WriteAllTextAsync(path, "old", Cancelled);

        var (code, message, trace) = await ChildProgram.RunTracedAsync("write", path, "fsync", $"inject=fsync:error={error}");

        Assert.Contains(error, trace, StringComparison.Ordinal);
        Assert.True(code == ChildProgram.FailedAsReported, $"The write ended with {code}: {message}");
        Assert.Contains("fsync of", message, StringComparison.Ordinal);
        Assert.Contains(text, message, StringComparison.Ordinal);
        Assert.Equal("old", await File.ReadAllTextAsync(path, Cancelled));
        Assert.Equal([path], Directory.GetFileSystemEntries(_directory));
    }

    [Fact]
    public async Task Failed_fsync_of_the_directory_is_reported()
    {
        // The first fsync is for the file, the second for its directory.
        var (code, message, _) = await ChildProgram.RunTracedAsync("write", Path.Join(_directory, "file"), "fsync",
            "inject=fsync:error=EIO:when=2");
        Assert.True(code == ChildProgram.FailedAsReported, $"The write ended with {code}: {message}");
        Assert.Contains($"fsync of '{_directory}'", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Failed_rename_is_reported_and_leaves_nothing()
    {
        var (code, message, _) = await ChildProgram.RunTracedAsync("write", Path.Join(_directory, "file"), "rename",
            "inject=rename:error=EIO");
        Assert.True(code == ChildProgram.FailedAsReported, $"The write ended with {code}: {message}");
        Assert.Empty(Directory.GetFileSystemEntries(_directory));
    }

    [Theory]
    [InlineData("fsync-folder", "fsync")]
    [InlineData("sync-file-system", "syncfs")]
    public async Task Failed_sync_of_a_directory_is_reported(string task, string call)
    {
        var (code, message, _) = await ChildProgram.RunTracedAsync(task, _directory, call, $"inject={call}:error=EIO");
        Assert.True(code == ChildProgram.FailedAsReported, $"It ended with {code}: {message}");
        Assert.Contains($"{call} of '{_directory}'", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_syncs_the_file_then_renames_then_syncs_the_directory()
    {
        var path = Path.Join(_directory, "file");
        var (code, message, trace) = await ChildProgram.RunTracedAsync("write", path, "fsync,rename");
        Assert.True(code == ChildProgram.Done, message);
        var calls = trace.Split('\n').Where(line => line.Contains('(', StringComparison.Ordinal))
            .Select(line => line.Split('(')[0].Split(' ')[^1]);
        Assert.Equal("fsync rename fsync", string.Join(' ', calls));
    }

    [Fact]
    public void Rename_atomically_replaces_a_link_to_a_directory()
    {
        var (one, two, link, next) = (Path.Join(_directory, "one"), Path.Join(_directory, "two"), Path.Join(_directory, "link"),
            Path.Join(_directory, "next"));
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
    public void Missing_directory_or_file_cannot_be_synced_as_a_directory()
    {
        Assert.Throws<FileNotFoundException>(() => Posix.FsyncDirectory(Path.Join(_directory, "missing")));
        var file = Path.Join(_directory, "file");
        File.WriteAllText(file, "x");
        Assert.Throws<IOException>(() => Posix.FsyncDirectory(file));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
