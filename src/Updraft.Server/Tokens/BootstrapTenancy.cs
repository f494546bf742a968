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

/// <summary>Creates the first Organization, Workspace and owner token in an empty database, and prints their names.</summary>
internal sealed partial class BootstrapTenancy(UpdraftDbContext db, IssueToken issueToken, IOptions<BootstrapOptions> options,
    IOptions<ServerOptions> server, TimeProvider clock, EventLog events, ILogger<BootstrapTenancy> log)
{
    private const string OwnerTokenName = "owner";

    /// <summary>Does nothing but warn if an Organization exists.</summary>
    public async Task RunAsync(TextWriter console, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        if (await db.Organizations.AnyAsync(cancellationToken))
        {
            await WarnAsync(cancellationToken);
            return;
        }
        var bootstrap = options.Value;
        var now = clock.GetUtcNow();
        var spec = new TokenSpec
        {
            Kind = TokenKind.Api,
            Role = Role.OrganizationOwner,
            Organization = new OrganizationId(bootstrap.OrganizationId ?? EntityId.New(clock)),
            Name = OwnerTokenName,
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
        if (OwnerTokenFile is { } file)
            AtomicFile.Write(file, Encoding.ASCII.GetBytes(token + "\n"));
        await write.CommitAsync(cancellationToken);
        await console.WriteLineAsync(Describe(organization, workspace));
    }

    private async Task WarnAsync(CancellationToken cancellationToken)
    {
        if (OwnerTokenFile is { } file && File.Exists(file))
            LogTokenFile(file);
        var owners = await db.ApiTokens.AsNoTracking()
            .Where(row => row.RevokedAt == null && row.ExpiresAt == null && row.Name == OwnerTokenName).Take(100)
            .ToListAsync(cancellationToken);
        if (owners.Exists(row => row.CreatedBy.Id == row.Id.Value && row.LastUsedAt is not null))
            LogTokenInUse();
    }

    private string Describe(Organization organization, Workspace workspace) => $"""
        ---------------------------------------------------------------------------
        Updraft created its first Organization.
          Server           {server.Value.PublicUrl}
          Web UI           {server.Value.PublicUrl.TrimEnd('/')}/  (sign in with the owner token)
          Organization     {organization.Id}  ({organization.Name})
          Workspace        {workspace.Id}  ({workspace.Name})
          Owner token      {DescribeToken()}
        ---------------------------------------------------------------------------
        """;

    private string DescribeToken() => OwnerTokenFile is { } file ? $"in {file}" : "as configured";

    // Not on the console: container logs and the journal keep its text, and a token that is only printed is lost if the start fails.
    private string? OwnerTokenFile => options.Value switch
    {
        { OwnerTokenFile: { Length: > 0 } file } => Path.GetFullPath(file),
        { OwnerToken: not null } => null,
        _ => Path.Join(Path.GetFullPath(server.Value.Data), "owner-token"),
    };

    [LoggerMessage(1, LogLevel.Warning,
        "The owner token is still in the file {File}. Copy the token to a safe place, and delete the file.")]
    private partial void LogTokenFile(string file);

    [LoggerMessage(2, LogLevel.Warning,
        "The owner token of the first start is still valid, and has no expiry. Give its work to users or to tokens with smaller roles, and "
        + "delete it.")]
    private partial void LogTokenInUse();
}
