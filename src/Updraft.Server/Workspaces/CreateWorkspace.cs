using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Workspaces;

/// <summary>Makes a Workspace.</summary>
internal sealed class CreateWorkspace(UpdraftDbContext db, TimeProvider clock)
{
    private const int MaxName = 50;

    /// <exception cref="ApiException">400: a bad field, or a name that is taken.</exception>
    public async Task<Workspace> RunAsync(Subject subject, OrganizationId organization, CreateWorkspaceRequest request,
        CancellationToken cancellationToken)
    {
        var name = TextLimit.Name(request.Name, "name", MaxName);
        TextLimit.Check(request.Description, "description", TextLimit.Description);

        await using var write = await db.BeginWriteAsync(cancellationToken);
        if (await db.Workspaces.AnyAsync(row => row.OrganizationId == organization && row.Name == name, cancellationToken))
            throw ApiException.BadRequest($"There is a Workspace '{ApiException.Shorten(name)}' already; choose another name.");
        var now = clock.GetUtcNow();
        var workspace = new Workspace
        {
            Id = new WorkspaceId(EntityId.New(clock)),
            OrganizationId = organization,
            Name = name,
            Description = request.Description,
            CicdEnforcedDefault = request.CicdEnforcedDefault ?? false,
            CreatedAt = now,
            CreatedBy = subject.Profile,
            UpdatedAt = now,
            UpdatedBy = subject.Profile,
        };
        db.Workspaces.Add(workspace);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return workspace;
    }
}
