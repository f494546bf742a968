using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Tokens;

/// <summary>Creates the first Organization, Workspace and owner token in an empty database, and prints them once.</summary>
internal sealed class BootstrapTenancy(UpdraftDbContext db, IssueToken issueToken, IOptions<BootstrapOptions> options,
    IOptions<ServerOptions> server, TimeProvider clock, EventLog events)
{
    /// <summary>Does nothing if an Organization exists.</summary>
    public async Task RunAsync(TextWriter console, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        if (await db.Organizations.AnyAsync(cancellationToken))
            return;
        var bootstrap = options.Value;
        var now = clock.GetUtcNow();
        var spec = new TokenSpec
        {
            Kind = TokenKind.Api,
            Role = Role.OrganizationOwner,
            Organization = new OrganizationId(bootstrap.OrganizationId ?? EntityId.New(clock)),
            Name = "owner",
            Description = "Created at the first start.",
        };
        var (row, token) = bootstrap.OwnerToken is { } chosen ? (issueToken.Adopt(spec, chosen), chosen) : issueToken.Run(spec);
        var by = row.CreatedBy;
        var organization = new Organization
        {
            Id = spec.Organization,
            Name = bootstrap.OrganizationName,
            CreatedAt = now,
            CreatedBy = by,
            UpdatedAt = now,
            UpdatedBy = by,
        };
        var workspace = new Workspace
        {
            Id = new WorkspaceId(bootstrap.WorkspaceId ?? EntityId.New(clock)),
            OrganizationId = organization.Id,
            Name = bootstrap.WorkspaceName,
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
        // Before the commit: if the start fails in between, the next start writes another token. After it, the only token would be lost.
        if (bootstrap.OwnerTokenFile is { Length: > 0 } file)
            AtomicFile.Write(Path.GetFullPath(file), Encoding.ASCII.GetBytes(token + "\n"));
        await write.CommitAsync(cancellationToken);
        await console.WriteLineAsync(Describe(organization, workspace, token));
    }

    private string Describe(Organization organization, Workspace workspace, string token) => $"""
        ---------------------------------------------------------------------------
        Updraft created its first Organization.
          Server           {server.Value.PublicUrl}
          Web UI           {server.Value.PublicUrl.TrimEnd('/')}/  (sign in with the owner token)
          Organization     {organization.Id}  ({organization.Name})
          Workspace        {workspace.Id}  ({workspace.Name})
          Owner token      {DescribeToken(token)}
        ---------------------------------------------------------------------------
        """;

    private string DescribeToken(string token) => options.Value switch
    {
        { OwnerTokenFile: { Length: > 0 } file } => $"in {Path.GetFullPath(file)}",
        { OwnerToken: not null } => "as configured",
        _ => $"Updraft shows it only once and does not store it: copy it now\n{token}",
    };
}
