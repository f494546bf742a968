using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Storage;

namespace Updraft.Server.Tests.Storage;

public sealed class FileSystemBlobStoreTests : BlobStoreContract, IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("updraft-blobs-").FullName;
    private readonly FileSystemBlobStore _store;

    public FileSystemBlobStoreTests() => _store = Open();

    private protected override IBlobStore Store => _store;

    [Fact]
    public async Task Restart_keeps_blobs_and_deletes_uncommitted_ones()
    {
        await WriteAsync("packs/one", "content");
        var leftover = Path.Join(_data, "blobs", "tmp", "crashed" + AtomicFile.TemporarySuffix);
        await File.WriteAllTextAsync(leftover, "half", TestContext.Current.CancellationToken);
        var restarted = Open();

        Assert.False(File.Exists(leftover));
        Assert.Equal(7, await restarted.LengthAsync("packs/one", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Commit_and_check_leave_no_temporary_files()
    {
        await WriteAsync("packs/one", "content");
        await _store.CheckAsync(TestContext.Current.CancellationToken);

        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Join(_data, "blobs", "tmp")));
    }

    [Fact]
    public async Task Blob_that_was_replaced_by_a_link_is_rejected()
    {
        var secret = Path.Join(_data, "secret");
        await File.WriteAllTextAsync(secret, "secret", TestContext.Current.CancellationToken);
        await WriteAsync("packs/one", "content");
        File.Delete(Path.Join(_data, "blobs", "packs", "one"));
        File.CreateSymbolicLink(Path.Join(_data, "blobs", "packs", "one"), secret);

        await Assert.ThrowsAsync<IOException>(() => _store.OpenAsync("packs/one", TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<IOException>(() => _store.LengthAsync("packs/one", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Check_fails_if_the_store_is_not_writable()
    {
        Directory.Delete(Path.Join(_data, "blobs", "tmp"), recursive: true);

        await Assert.ThrowsAnyAsync<IOException>(() => _store.CheckAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Blobs_are_readable_only_by_their_owner()
    {
        await WriteAsync("packs/one", "content");

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Join(_data, "blobs", "packs", "one")));
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    private protected override Task<IReadOnlyList<string>> FootprintAsync()
    {
        var root = Path.Join(_data, "blobs");
        return Task.FromResult<IReadOnlyList<string>>([.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(root, path))]);
    }

    private FileSystemBlobStore Open() => new(Options.Create(new ServerOptions { Data = _data }));
}
