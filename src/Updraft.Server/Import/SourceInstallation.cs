using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Import;

/// <summary>The data directory that an import reads. The import takes its lock and changes nothing else.</summary>
internal sealed class SourceInstallation : IAsyncDisposable
{
    private readonly SqliteWriterGate _gate = new();
    private readonly DataDirectoryLock _lock;
    private readonly string _blobs;

    /// <summary>Opens a data directory.</summary>
    /// <exception cref="IOException">The directory has no database.</exception>
    public SourceInstallation(string dataDirectory)
    {
        DataDirectory = Path.GetFullPath(dataDirectory);
        var database = Path.Join(DataDirectory, "database", "updraft.db");
        if (!File.Exists(database))
            throw new IOException($"there is no database at '{database}'. Name the data directory to import with --From.");
        _blobs = Path.Join(DataDirectory, "blobs");
        var options = new ServerOptions { Data = DataDirectory };
        _lock = new DataDirectoryLock(Options.Create(options));
        Db = DatabaseServices.OpenForReading(database, _gate);
        Store = FileSystemBlobStore.ForReading(options);
    }

    public string DataDirectory { get; }

    public UpdraftDbContext Db { get; }

    public FileSystemBlobStore Store { get; }

    /// <summary>The default key directory of the source. Its server may have used another one.</summary>
    public string Keys => Path.Join(DataDirectory, "keys");

    /// <summary>Prevents a start of the source's server until the caller disposes this object.</summary>
    /// <exception cref="IOException">The server of the source runs.</exception>
    public void Lock() => _lock.Take();

    /// <summary>Starts a read transaction, so that all reads see the same state.</summary>
    /// <exception cref="IOException">The schema of the source is not the schema of this program, or its import is incomplete.</exception>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        await Db.Database.OpenConnectionAsync(cancellationToken);
        var known = Db.Database.GetMigrations().ToList();
        var applied = (await Db.Database.GetAppliedMigrationsAsync(cancellationToken)).ToList();
        if (applied.Except(known, StringComparer.Ordinal).FirstOrDefault() is { } newer)
            throw new IOException($"a newer Updraft migrated the database in '{DataDirectory}' to '{newer}'. Import with that version.");
        if (known.Except(applied, StringComparer.Ordinal).FirstOrDefault() is { } missing)
            throw new IOException($"the database in '{DataDirectory}' is of an older Updraft and lacks the migration '{missing}'. "
                + "Start a server of this version on it once, stop that server, and import again.");
        await Db.Database.BeginTransactionAsync(cancellationToken);
        if (await Db.ServerFacts.AnyAsync(row => row.Name == ServerFact.UnfinishedImport, cancellationToken))
            throw new IOException($"'{DataDirectory}' is itself the target of an incomplete import. Complete that import first.");
    }

    /// <summary>Keys of all blobs in the data directory, without uncommitted ones.</summary>
    public IReadOnlyList<string> BlobKeys() => !Directory.Exists(_blobs) ? [] :
    [
        .. Directory.EnumerateFileSystemEntries(_blobs, "*",
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
            .Where(path => !Directory.Exists(path) || File.GetAttributes(path).HasFlag(FileAttributes.ReparsePoint))
            .Select(path => Path.GetRelativePath(_blobs, path))
            .Where(key => !key.StartsWith(BlobKey.TemporaryDirectory + "/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Keys of all blobs that a bundle version needs.</summary>
    public async Task<IReadOnlySet<string>> NeededBlobsAsync(CancellationToken cancellationToken)
    {
        var needed = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var row in Db.BundleVersions.AsNoTracking().AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            needed.Add(BundleBlobs.Manifest(row.DeploymentId, row.ManifestDigest));
            if (row.PackId is not null)
                needed.Add(BundleBlobs.Pack(row.DeploymentId, row.PackId));
        }
        await foreach (var row in Db.BundleContents.AsNoTracking().Select(row => new { row.DeploymentId, row.PackId }).Distinct()
            .AsAsyncEnumerable().WithCancellation(cancellationToken))
            needed.Add(BundleBlobs.Pack(row.DeploymentId, row.PackId));
        return needed;
    }

    public async ValueTask DisposeAsync()
    {
        await Db.DisposeAsync();
        _gate.Dispose();
        _lock.Dispose();
    }
}
