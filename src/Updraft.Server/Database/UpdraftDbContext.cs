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
/// The database. It contains no table: every slice adds its own mapping and its own <c>db.Things</c> property. Each database engine has a
/// subclass with its own migrations.
/// </summary>
internal abstract class UpdraftDbContext(DbContextOptions options) : DbContext(options)
{
    /// <summary>
    /// Begins a transaction that writes. SQLite has a single writer, so rows that the transaction reads stay as they are until its commit.
    /// For PostgreSQL, begin with <c>LockDeploymentAsync</c> or <c>LockOrganizationAsync</c>. Keep the transaction short; dispose without
    /// commit rolls back.
    /// </summary>
    /// <remarks>Clears the change tracker, because rows that were read before may be stale.</remarks>
    public abstract Task<WriteTransaction> BeginWriteAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Locks rows until the transaction ends, and returns their state after the lock. A transaction that locks an Organization and a
    /// Deployment locks the Organization first; otherwise two transactions could wait for each other.
    /// </summary>
    public Task<List<T>> LockRowsAsync<T>(string select, object value, CancellationToken cancellationToken)
        where T : class
    {
        var locking = select + RowLock;
        return Set<T>().FromSqlRaw(locking, value).ToListAsync(cancellationToken);
    }

    /// <summary>The end of a <c>SELECT</c> that locks its rows; empty for an engine with a single writer.</summary>
    protected abstract string RowLock { get; }

    /// <summary>Notifies the other replicas when the transaction commits. The caller notifies waits on this replica itself.</summary>
    public abstract Task AnnounceAtCommitAsync(string payload, CancellationToken cancellationToken);

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
        // SQLite has no time type that sorts, and PostgreSQL's has one digit less. Ticks are exact on both.
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<TicksConverter>();
    }

    private static void Id<TId>(ModelConfigurationBuilder builder)
        where TId : struct, IEntityId<TId> => builder.Properties<TId>().HaveConversion<IdConverter<TId>>().HaveMaxLength(64);

    private sealed class IdConverter<TId>() : ValueConverter<TId, string>(id => id.Value, value => Wrap(value))
        where TId : struct, IEntityId<TId>
    {
        // The lambda above is an expression tree, which cannot call a static abstract member (CS8927).
        private static TId Wrap(string value) => TId.From(value);
    }

    private sealed class TicksConverter()
        : ValueConverter<DateTimeOffset, long>(time => time.UtcTicks, ticks => new DateTimeOffset(ticks, TimeSpan.Zero));

    private sealed class DigestConverter() : ValueConverter<Digest, byte[]>(digest => digest.ToArray(), bytes => new Digest(bytes));
}

/// <summary>Stores an immutable value as JSON in one column.</summary>
internal sealed class JsonColumn<T>() : ValueConverter<T, string>(Write(), Read())
{
    private static Expression<Func<T, string>> Write() => value => JsonSerializer.Serialize(value, JsonSerializerOptions.Web);

    private static Expression<Func<string, T>> Read() => text => JsonSerializer.Deserialize<T>(text, JsonSerializerOptions.Web)!;
}

internal static class ColumnMapping
{
    /// <summary>Stores the property as JSON. Values are compared by their JSON text, so replace the value instead of changing it.</summary>
    public static PropertyBuilder<T> HasJson<T>(this PropertyBuilder<T> property) => property.HasConversion(new JsonColumn<T>(),
        new ValueComparer<T>((left, right) => Text(left) == Text(right), value => Text(value).GetHashCode(StringComparison.Ordinal),
            value => value));

    private static string Text<T>(T value) => JsonSerializer.Serialize(value, JsonSerializerOptions.Web);
}
