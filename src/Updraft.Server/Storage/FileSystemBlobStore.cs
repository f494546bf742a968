using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Storage;

/// <summary>
/// Stores blobs as files in the data directory:
/// <code>
/// blobs/tmp/RANDOM.updraft-tmp    uncommitted blobs; deleted when the server starts
/// blobs/packs/cm…/cp…             the blob with the key packs/cm…/cp…
/// </code>
/// A blob must be a regular file; symbolic links are rejected.
/// </summary>
internal sealed class FileSystemBlobStore : IBlobStore
{
    private readonly string _root;
    private readonly string _temporary;
    private readonly Lock _lock = new();

    // Directories that this process has created or found, and whose entry in the parent directory is durable.
    private readonly HashSet<string> _durable = new(StringComparer.Ordinal);

    public FileSystemBlobStore(IOptions<ServerOptions> options)
        : this(options.Value.Folder("blobs"))
    {
        Posix.FsyncDirectory(Path.GetDirectoryName(_root)!);
        _durable.Add(_root);
        EnsureDirectory(_temporary);
        foreach (var leftover in Directory.EnumerateFiles(_temporary))
            File.Delete(leftover);
    }

    private FileSystemBlobStore(string root) => (_root, _temporary) = (root, Path.Join(root, BlobKey.TemporaryDirectory));

    /// <summary>Opens the store for reading while a server runs. It does not delete uncommitted blobs.</summary>
    public static FileSystemBlobStore ForReading(ServerOptions options) => new(Path.Join(Path.GetFullPath(options.Data), "blobs"));

    public Task<IBlobWriter> CreateAsync(string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<IBlobWriter>(new Writer(this, Locate(key)));
    }

    public Task<Stream> OpenAsync(string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = Locate(key);
        if (Directory.Exists(path))
            throw new FileNotFoundException($"The blob '{key}' does not exist; only blobs below it exist.", path);
        var file = Posix.OpenNoFollow(path);
        try
        {
            return Task.FromResult<Stream>(new FileStream(file, FileAccess.Read, bufferSize: 0));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public Task<long?> LengthAsync(string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = Locate(key);
        if (!File.Exists(path))
            return Task.FromResult<long?>(null);
        try
        {
            using var file = Posix.OpenNoFollow(path);
            return Task.FromResult<long?>(RandomAccess.GetLength(file));
        }
        catch (FileNotFoundException)
        {
            return Task.FromResult<long?>(null);
        }
    }

    public Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = Locate(key);
        if (File.Exists(path))
            File.Delete(path);
        return Task.CompletedTask;
    }

    public Task DeleteAllAsync(string prefix, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var directory = Path.Join(_root, BlobKey.CheckPrefix(prefix)[..^1]);
        lock (_lock)
        {
            _durable.RemoveWhere(known => known == directory || known.StartsWith(directory + "/", StringComparison.Ordinal));
            try
            {
                Directory.Delete(directory, recursive: true);
            }
            catch (DirectoryNotFoundException)
            {
                // No blob has that prefix.
            }
        }
        return Task.CompletedTask;
    }

    public Task<Uri?> ShareAsync(string key, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        BlobKey.Check(key);
        return Task.FromResult<Uri?>(null);
    }

    public Task CheckAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = Path.Join(_temporary, Path.GetRandomFileName());
        using (var file = new AtomicFile(path))
        {
            file.Stream.Write("updraft"u8);
            file.Commit();
        }
        File.Delete(path);
        return Task.CompletedTask;
    }

    private string Locate(string key) => Path.Join(_root, BlobKey.Check(key));

    /// <summary>
    /// Creates a directory and its parents, and makes them durable. An existing one may not be durable yet, after a crash.
    /// </summary>
    private void EnsureDirectory(string directory)
    {
        lock (_lock)
        {
            if (_durable.Contains(directory))
                return;
            var parent = Path.GetDirectoryName(directory)!;
            EnsureDirectory(parent);
            Directory.CreateDirectory(directory);
            Posix.FsyncDirectory(parent);
            _durable.Add(directory);
        }
    }

    private sealed class Writer(FileSystemBlobStore store, string path) : IBlobWriter
    {
        private readonly AtomicFile _file = new(path, store._temporary);

        public Stream Content => _file.Stream;

        public Task CommitAsync(CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            store.EnsureDirectory(Path.GetDirectoryName(path)!);
            _file.Commit();
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            _file.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
