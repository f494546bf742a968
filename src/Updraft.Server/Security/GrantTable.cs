using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Updraft.Server.Security;

/// <summary>Maps the grants of users and tokens to tables of their own.</summary>
internal static class GrantTable
{
    /// <summary>Maps the grants of an entity.</summary>
    /// <param name="builder">The entity.</param>
    /// <param name="grants">Its list of grants.</param>
    /// <param name="table">Name of the table.</param>
    /// <param name="owner">Name of the column with the ID of the entity.</param>
    public static void HasGrants<T>(this EntityTypeBuilder<T> builder, Expression<Func<T, IEnumerable<Grant>?>> grants, string table,
        string owner)
        where T : class => builder.OwnsMany(grants, row =>
        {
            row.ToTable(table);
            row.WithOwner().HasForeignKey(owner);
            row.HasKey(owner, nameof(Grant.EntityId)).HasName($"pk_{table}");
            row.Property(grant => grant.EntityId).HasMaxLength(64);
            row.HasIndex(grant => grant.WorkspaceId);
            row.HasIndex(grant => grant.DeploymentId);
        });

    /// <summary>Replaces the grants row by row. A grant whose role or origin changes keeps its row.</summary>
    public static void ReplaceWith(this List<Grant> grants, IReadOnlyCollection<Grant> replacement)
    {
        grants.RemoveAll(grant => !replacement.Any(other => other.EntityId == grant.EntityId));
        foreach (var grant in replacement)
        {
            if (grants.Find(other => other.EntityId == grant.EntityId) is { } existing)
                (existing.Role, existing.IsFromClaims) = (grant.Role, grant.IsFromClaims);
            else
                grants.Add(grant);
        }
    }
}
