using Updraft.Server.Api;

namespace Updraft.Server.Workspaces;

/// <summary>Errors of Workspaces.</summary>
internal static class WorkspaceErrors
{
    public static readonly ErrorCode NameTaken = new("workspace_name_taken", StatusCodes.Status400BadRequest,
        "Another Workspace of the Organization has the name.",
        "Choose another name.");

    public static readonly ErrorCode NotEmpty = new("workspace_not_empty", StatusCodes.Status400BadRequest,
        "The Workspace still has Deployments.",
        "Delete its Deployments first.");
}
