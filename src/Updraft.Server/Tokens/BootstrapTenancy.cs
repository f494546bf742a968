using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deploys.Bundles;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Tokens;

/// <summary>Makes the first Organization, Workspace and owner token in an empty database, and tells the operator once.</summary>
internal sealed class BootstrapTenancy(UpdraftDbContext db, IssueToken issueToken, IOptions<BootstrapOptions> options,
    IOptions<ServerOptions> server, TimeProvider clock, EventLog events)
{
    /// <summary>Does nothing when there is an Organization already.</summary>
    public async Task RunAsync(TextWriter console, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        if (await db.Organizations.AnyAsync(cancellationToken))
            return;
        var wanted = options.Value;
        var now = clock.GetUtcNow();
        var order = new TokenSpec
        {
            Kind = TokenKind.Api,
            Role = Role.OrganizationOwner,
            Organization = new OrganizationId(wanted.OrganizationId ?? EntityId.New(clock)),
            Name = "owner",
            Description = "Made at the first start.",
        };
        var (row, token) = wanted.OwnerToken is { } chosen ? (issueToken.Adopt(order, chosen), chosen) : issueToken.Run(order);
        var by = row.CreatedBy;
        var organization = new Organization
        {
            Id = order.Organization,
            Name = wanted.OrganizationName,
            CreatedAt = now,
            CreatedBy = by,
            UpdatedAt = now,
            UpdatedBy = by,
        };
        var workspace = new Workspace
        {
            Id = new WorkspaceId(wanted.WorkspaceId ?? EntityId.New(clock)),
            OrganizationId = organization.Id,
            Name = wanted.WorkspaceName,
            CreatedAt = now,
            CreatedBy = by,
            UpdatedAt = now,
            UpdatedBy = by,
        };
        db.AddRange(organization, workspace, row);
        events.Record(EventTypes.OrganizationCreated, by, organization);
        events.Record(EventTypes.WorkspaceCreated, by, workspace);
        events.Record(EventTypes.TokenCreated, by, row);
        await db.SaveChangesAsync(cancellationToken);
        // Before the commit: a start that fails in between is repeated and writes another token, instead of losing the only one.
        if (wanted.OwnerTokenFile is { Length: > 0 } file)
            AtomicFile.Write(Path.GetFullPath(file), Encoding.ASCII.GetBytes(token + "\n"));
        await write.CommitAsync(cancellationToken);
        await console.WriteLineAsync(Describe(organization, workspace, token));
    }

    private string Describe(Organization organization, Workspace workspace, string token) => $"""
        ---------------------------------------------------------------------------
        Updraft has made its first Organization.
          Server           {server.Value.PublicUrl}
          Pages            {server.Value.PublicUrl.TrimEnd('/')}/  (sign in with the owner token)
          Organization     {organization.Id}  ({organization.Name})
          Workspace        {workspace.Id}  ({workspace.Name})
          Owner token      {DescribeToken(token)}
        ---------------------------------------------------------------------------
        """;

    private string DescribeToken(string token) => options.Value switch
    {
        { OwnerTokenFile: { Length: > 0 } file } => $"in {Path.GetFullPath(file)}",
        { OwnerToken: not null } => "as configured",
        _ => $"shown once, kept nowhere: copy it now\n{token}",
    };
}
