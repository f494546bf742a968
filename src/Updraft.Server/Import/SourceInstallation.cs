using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Import;

/// <summary>The data folder that an import reads. Nothing in it is changed but its lock.</summary>
internal sealed class SourceInstallation : IAsyncDisposable
{
    private readonly SqliteWriterGate _gate = new();
    private readonly DataDirectoryLock _lock;
    private readonly string _blobs;

    /// <summary>Opens a data folder.</summary>
    /// <exception cref="IOException">There is no database in it.</exception>
    public SourceInstallation(string folder)
    {
        Folder = Path.GetFullPath(folder);
        var database = Path.Join(Folder, "database", "updraft.db");
        if (!File.Exists(database))
            throw new IOException($"there is no database at '{database}'; say with --From which data folder to import.");
        _blobs = Path.Join(Folder, "blobs");
        var options = new ServerOptions { Data = Folder };
        _lock = new DataDirectoryLock(Options.Create(options));
        Db = DatabaseServices.OpenToRead(database, _gate);
        Store = FileSystemBlobStore.ForReading(options);
    }

    public string Folder { get; }

    public UpdraftDbContext Db { get; }

    public FileSystemBlobStore Store { get; }

    /// <summary>Where its keys are, unless it was given another folder.</summary>
    public string Keys => Path.Join(Folder, "keys");

    /// <summary>Keeps its server from starting, until this is disposed.</summary>
    /// <exception cref="IOException">Its server runs.</exception>
    public void Lock() => _lock.Take();

    /// <summary>Begins to read; what is read from now on is as it is now.</summary>
    /// <exception cref="IOException">The schema is not this program's.</exception>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        await Db.Database.OpenConnectionAsync(cancellationToken);
        var known = Db.Database.GetMigrations().ToList();
        var applied = (await Db.Database.GetAppliedMigrationsAsync(cancellationToken)).ToList();
        if (applied.Except(known, StringComparer.Ordinal).FirstOrDefault() is { } newer)
            throw new IOException($"the database in '{Folder}' was brought to '{newer}' by a newer Updraft; import with that version.");
        if (known.Except(applied, StringComparer.Ordinal).FirstOrDefault() is { } missing)
            throw new IOException($"the database in '{Folder}' is of an older Updraft and lacks '{missing}'. Start this version's server on it once, "
                + "which brings it up to date, stop that, and import again.");
        await Db.Database.BeginTransactionAsync(cancellationToken);
        if (await Db.ServerFacts.AnyAsync(row => row.Name == ServerFact.UnfinishedImport, cancellationToken))
            throw new IOException($"'{Folder}' is itself the target of an import that has not ended.");
    }

    /// <summary>Keys of all blobs in its folder; those in the making are none.</summary>
    public IReadOnlyList<string> BlobKeys() => !Directory.Exists(_blobs) ? [] :
    [
        .. Directory.EnumerateFileSystemEntries(_blobs, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
            .Where(path => !Directory.Exists(path) || File.GetAttributes(path).HasFlag(FileAttributes.ReparsePoint))
            .Select(path => Path.GetRelativePath(_blobs, path))
            .Where(key => !key.StartsWith(BlobKey.TemporaryDirectory + "/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The blobs without which a version of a bundle cannot be had.</summary>
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
