using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Workspaces;

internal static class WorkspaceEvents
{
    /// <summary>Records an event of a Workspace.</summary>
    public static void Record(this EventLog events, string type, SubjectProfile by, Workspace workspace,
        params IEnumerable<(string Name, string? Value)> details) =>
        events.Record(type, by, new(workspace.OrganizationId, workspace.Id), new("workspace", workspace.Id.Value, workspace.Name), details);
}
