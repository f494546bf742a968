using System.Linq.Expressions;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;
using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Database;

/// <summary>
/// The database. It knows no table: every slice brings its own mapping and its own <c>db.Things</c> property. One
/// subclass per database engine, each with its own migrations.
/// </summary>
internal abstract class UpdraftDbContext(DbContextOptions options) : DbContext(options)
{
    /// <summary>
    /// Begins a transaction that will write. Where the engine has a single writer, what is read inside is what the commit builds on;
    /// elsewhere begin with <c>LockDeploymentAsync</c> or <c>LockOrganizationAsync</c>. Keep it short; dispose without commit rolls back.
    /// </summary>
    /// <remarks>What was read before is forgotten: it may be outdated by now.</remarks>
    public abstract Task<WriteTransaction> BeginWriteAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Reads rows that nobody else can lock or change until the transaction ends, as they are when the lock is got. Who locks an
    /// Organization and a Deployment locks the Organization first.
    /// </summary>
    public Task<List<T>> LockRowsAsync<T>(string select, object value, CancellationToken cancellationToken)
        where T : class
    {
        var locking = select + RowLock;
        return Set<T>().FromSqlRaw(locking, value).ToListAsync(cancellationToken);
    }

    /// <summary>What a <c>SELECT</c> ends with to lock its rows; empty where writers come one after another anyway.</summary>
    protected abstract string RowLock { get; }

    /// <summary>Tells the other servers on this database, if and when the transaction commits. This server tells itself.</summary>
    public abstract Task AnnounceAtCommitAsync(string news, CancellationToken cancellationToken);

    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder.ApplyConfigurationsFromAssembly(typeof(UpdraftDbContext).Assembly);

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        Id<OrganizationId>(configurationBuilder);
        Id<WorkspaceId>(configurationBuilder);
        Id<DeploymentId>(configurationBuilder);
        Id<DeployId>(configurationBuilder);
        Id<TokenId>(configurationBuilder);
        Id<AgentId>(configurationBuilder);
        Id<BundleId>(configurationBuilder);
        Id<UserId>(configurationBuilder);
        Id<WebhookId>(configurationBuilder);
        Id<DeliveryId>(configurationBuilder);
        Id<EventId>(configurationBuilder);
        configurationBuilder.Properties<Digest>().HaveConversion<DigestConverter>();
        configurationBuilder.Properties<SubjectProfile>().HaveConversion<JsonColumn<SubjectProfile>>();
        configurationBuilder.Properties<Enum>().HaveConversion<string>();
        // SQLite has no time type that sorts, and PostgreSQL's cuts a digit off; ticks come back as they went in.
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<TicksConverter>();
    }

    private static void Id<TId>(ModelConfigurationBuilder builder)
        where TId : struct, IEntityId<TId> => builder.Properties<TId>().HaveConversion<IdConverter<TId>>().HaveMaxLength(64);

    private sealed class IdConverter<TId>() : ValueConverter<TId, string>(id => id.Value, value => Wrap(value))
        where TId : struct, IEntityId<TId>
    {
        // The lambda above is an expression tree, which cannot call a static abstract member itself (CS8927).
        private static TId Wrap(string value) => TId.From(value);
    }

    private sealed class TicksConverter()
        : ValueConverter<DateTimeOffset, long>(time => time.UtcTicks, ticks => new DateTimeOffset(ticks, TimeSpan.Zero));

    private sealed class DigestConverter() : ValueConverter<Digest, byte[]>(digest => digest.ToArray(), bytes => new Digest(bytes));
}

/// <summary>An immutable value that is kept as JSON in one column.</summary>
internal sealed class JsonColumn<T>() : ValueConverter<T, string>(Write(), Read())
{
    private static Expression<Func<T, string>> Write() => value => JsonSerializer.Serialize(value, JsonSerializerOptions.Web);

    private static Expression<Func<string, T>> Read() => text => JsonSerializer.Deserialize<T>(text, JsonSerializerOptions.Web)!;
}

/// <summary>Mapping short-hands.</summary>
internal static class ColumnMapping
{
    /// <summary>Keeps the property as JSON; equality is by the JSON text, so replace the value instead of changing it.</summary>
    public static PropertyBuilder<T> HasJson<T>(this PropertyBuilder<T> property) => property.HasConversion(new JsonColumn<T>(),
        new ValueComparer<T>((left, right) => Text(left) == Text(right), value => Text(value).GetHashCode(StringComparison.Ordinal),
            value => value));

    private static string Text<T>(T value) => JsonSerializer.Serialize(value, JsonSerializerOptions.Web);
}
