using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Events;

/// <summary>
/// Records events. It only adds a row to the database context. The caller saves the change and the event together, inside a write
/// transaction that it started before.
/// </summary>
internal sealed class EventLog(UpdraftDbContext db, TimeProvider clock, IHttpContextAccessor http)
{
    /// <summary>Maximum length of a name or detail in UTF-16 code units. Longer texts are cut.</summary>
    public const int MostCharacters = 500;

    private DateTimeOffset _last;

    /// <param name="type">One of <see cref="EventTypes"/>.</param>
    /// <param name="by">The subject that made the change.</param>
    /// <param name="scope">The scope of the event.</param>
    /// <param name="target">The changed object.</param>
    /// <param name="details">Further facts for the reader. Null values are left out. Never pass a secret.</param>
    /// <returns>The event as it will be saved.</returns>
    public Event Record(string type, SubjectProfile by, EventScope scope, EventTarget target,
        params IEnumerable<(string Name, string? Value)> details)
    {
        // Later than the previous event of the request, because IDs of the same millisecond have no order.
        var now = clock.GetUtcNow();
        _last = now > _last ? now : _last.AddTicks(1);
        var happened = new Event
        {
            Id = new(EntityId.New(clock)),
            At = _last,
            Type = type,
            OrganizationId = scope.Organization,
            WorkspaceId = scope.Workspace,
            DeploymentId = scope.Deployment,
            DeployId = scope.Deploy,
            By = by,
            TargetType = target.Type,
            TargetId = target.Id,
            TargetName = Cut(target.Name),
            Details = details.Concat(ClientOf(http.HttpContext)).Where(detail => detail.Value is not null)
                .ToDictionary(detail => detail.Name, detail => Cut(detail.Value!), StringComparer.Ordinal),
            RequestId = http.HttpContext?.TraceIdentifier,
            IsPending = EventTypes.IsPublished(type),
        };
        db.Events.Add(happened);
        return happened;
    }

    private static IEnumerable<(string Name, string? Value)> ClientOf(HttpContext? context)
    {
        if (context is null)
            yield break;
        if (RequestClient.Address(context) is { Length: > 0 } address)
            yield return ("clientAddress", address);
        if (RequestClient.UserAgent(context) is { Length: > 0 } agent)
            yield return ("userAgent", agent);
    }

    private static string Cut(string text)
    {
        if (text.Length <= MostCharacters)
            return text;
        // A cut through a surrogate pair would leave half a character.
        var end = char.IsHighSurrogate(text[MostCharacters - 2]) ? MostCharacters - 2 : MostCharacters - 1;
        return text[..end] + "…";
    }
}
