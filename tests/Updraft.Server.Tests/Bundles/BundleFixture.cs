using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Archives;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Storage;

namespace Updraft.Server.Tests.Bundles;

/// <summary>The bundle slice on a real database and a real data directory, with one Deployment.</summary>
internal sealed class BundleFixture : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private readonly TestDatabase? _database;

    private BundleFixture(string data, TestDatabase? database, Action<ArchiveOptions>? configure)
    {
        (Data, _database) = (data, database);
        var builder = Host.CreateEmptyApplicationBuilder(settings: null);
        var services = builder.Services;
        builder.Configuration.AddInMemoryCollection([new("Database:ConnectionString", database?.ConnectionString)]);
        Configuration = builder.Configuration;
        services.AddSingleton(Configuration);
        services.AddLogging();
        services.Configure<ServerOptions>(options => options.Data = data);
        services.AddSingleton(TimeProvider.System);
        builder.AddUpdraftDatabase();
        builder.AddStorage();
        builder.AddBundles();
        if (configure is not null)
            services.Configure(configure);
        _services = services.BuildServiceProvider(validateScopes: true);
    }

    public string Data { get; }

    /// <summary>The configuration, which names the database.</summary>
    public IConfiguration Configuration { get; }

    public DeploymentId Deployment { get; } = new(EntityId.New(TimeProvider.System));

    public DeployId Deploy { get; } = new(EntityId.New(TimeProvider.System));

    public IBlobStore Store => _services.GetRequiredService<IBlobStore>();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<BundleFixture> CreateAsync(Action<ArchiveOptions>? configure = null)
    {
        var fixture = new BundleFixture(Directory.CreateTempSubdirectory("updraft-bundles-").FullName, await TestDatabase.CreateAsync(),
            configure);
        await using (var scope = fixture._services.CreateAsyncScope())
            await scope.ServiceProvider.GetRequiredService<PrepareDatabase>().RunAsync(Cancelled);
        await fixture.AddDeploymentAsync(fixture.Deployment);
        await fixture.Store.CheckAsync(Cancelled);
        return fixture;
    }

    public async Task AddDeploymentAsync(DeploymentId id)
    {
        await using var scope = _services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var by = new SubjectProfile("test", SubjectKind.ServiceKey, "test");
        db.Deployments.Add(new Deployment
        {
            Id = id,
            OrganizationId = new(EntityId.New(TimeProvider.System)),
            WorkspaceId = new(EntityId.New(TimeProvider.System)),
            Name = "test",
            Namespace = id.Value,
            CreatedAt = TimeProvider.System.GetUtcNow(),
            CreatedBy = by,
            UpdatedBy = by,
        });
        await db.SaveChangesAsync(Cancelled);
    }

    public Task<BundleVersion> IngestAsync(byte[] archive) => IngestAsync(new MemoryStream(archive));

    public async Task<BundleVersion> IngestAsync(Stream archive, Func<UpdraftDbContext, CancellationToken, Task>? admit = null,
        DeploymentId? deployment = null)
    {
        await using var scope = _services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<IngestBundle>().RunAsync(
            new IngestRequest(deployment ?? Deployment, Deploy, BundlePurpose.Dags, admit ?? ((_, _) => Task.CompletedTask)),
            archive, Cancelled);
    }

    public async Task<T> QueryAsync<T>(Func<UpdraftDbContext, Task<T>> query)
    {
        await using var scope = _services.CreateAsyncScope();
        return await query(scope.ServiceProvider.GetRequiredService<UpdraftDbContext>());
    }

    /// <summary>Everything that an upload could leave behind: blobs, temporary files, rows.</summary>
    public async Task<string> FootprintAsync()
    {
        var files = Directory.EnumerateFiles(Path.Join(Data, "blobs"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
        var (versions, contents) = await QueryAsync(async db =>
            (await db.BundleVersions.CountAsync(Cancelled), await db.BundleContents.CountAsync(Cancelled)));
        return $"{versions} versions, {contents} contents, files: {string.Join(", ", files)}";
    }

    public async Task<Manifest> ReadManifestAsync(BundleVersion version)
    {
        await using var blob = await Store.OpenAsync($"manifests/{version.DeploymentId}/{version.ManifestDigest}", Cancelled);
        var bytes = new byte[blob.Length];
        await blob.ReadExactlyAsync(bytes, Cancelled);
        return Manifest.Parse(bytes);
    }

    /// <summary>
    /// The tree of a version, as an agent gets it: path, mode and verified content of each entry. One character per byte; null for a
    /// directory.
    /// </summary>
    public async Task<SortedDictionary<string, (bool IsExecutable, string? Content)>> ReadTreeAsync(BundleVersion version)
    {
        var tree = new SortedDictionary<string, (bool, string?)>(StringComparer.Ordinal);
        var deployment = version.DeploymentId;
        var places = await QueryAsync(db =>
            db.BundleContents.Where(row => row.DeploymentId == deployment).ToDictionaryAsync(row => row.Content, Cancelled));
        foreach (var entry in (await ReadManifestAsync(version)).Entries)
            tree.Add(entry.Path, (entry.IsExecutable, entry.IsDirectory ? null : await ReadContentAsync(places[entry.Content], entry)));
        return tree;
    }

    public async Task<long> PackLengthAsync(BundleVersion version) =>
        await Store.LengthAsync($"packs/{version.DeploymentId}/{version.PackId}", Cancelled) ?? throw new FileNotFoundException("no pack");

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        if (_database is not null)
            await _database.DisposeAsync();
        Directory.Delete(Data, recursive: true);
    }

    private async Task<string> ReadContentAsync(BundleContent place, ManifestEntry entry)
    {
        await using var pack = await Store.OpenAsync($"packs/{place.DeploymentId}/{place.PackId}", Cancelled);
        var frame = new byte[place.Length];
        pack.Position = place.Offset;
        await pack.ReadExactlyAsync(frame, Cancelled);
        using var destination = new MemoryStream();
        PackReader.CopyVerified(new MemoryStream(frame), entry.Size, entry.Content, destination);
        return Encoding.Latin1.GetString(destination.ToArray());
    }
}

/// <summary>One <see cref="BundleFixture"/> for all tests of a class that do not change it.</summary>
internal sealed class SharedBundleFixture : IAsyncLifetime
{
    public BundleFixture Bundles { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Bundles = await BundleFixture.CreateAsync();

    public ValueTask DisposeAsync() => Bundles.DisposeAsync();
}
