using Updraft.Protocol;

namespace Updraft.Server.Security;

/// <summary>What kind of caller a subject is; the first two are the contract's <c>subjectType</c>.</summary>
internal enum SubjectKind
{
    User,
    ServiceKey,
    Agent,
}

/// <summary>Who acts: the bearer of a token, and where the token reaches.</summary>
/// <param name="Kind">Person, API token or agent.</param>
/// <param name="Id">The user's or token's id.</param>
/// <param name="Name">The user's or token's name.</param>
/// <param name="Organization">The Organization that it belongs to; nothing outside can be seen.</param>
/// <param name="Workspace">The Workspace that it is limited to; null for the whole Organization.</param>
/// <param name="Deployment">The Deployment that it is limited to; null for more than one.</param>
/// <param name="Role">What it may do there.</param>
internal sealed record Subject(SubjectKind Kind, string Id, string Name, OrganizationId Organization, WorkspaceId? Workspace,
    DeploymentId? Deployment, Role Role)
{
    /// <summary>What is remembered with everything that the subject creates or changes.</summary>
    public SubjectProfile Profile => new(Id, Kind, Name);

    /// <summary>Minimal-API binding: the subject that authentication found.</summary>
    public static ValueTask<Subject?> BindAsync(HttpContext context) => ValueTask.FromResult(context.Features.Get<Subject>());
}

/// <summary>A subject as it is stored beside what it did; it outlives the token.</summary>
internal sealed record SubjectProfile(string Id, SubjectKind Kind, string Name);
