using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Events;

/// <summary>
/// Writes down what is changed. It only adds a row to the database context: whoever changes something saves and commits both together, inside
/// a write transaction that has begun already.
/// </summary>
internal sealed class EventLog(UpdraftDbContext db, TimeProvider clock, IHttpContextAccessor http)
{
    /// <summary>Characters of a name or detail, at most; longer ones are cut.</summary>
    public const int MostCharacters = 500;

    private DateTimeOffset _last;

    /// <param name="type">One of <see cref="EventTypes"/>.</param>
    /// <param name="by">Who did it.</param>
    /// <param name="place">Where.</param>
    /// <param name="target">What was changed.</param>
    /// <param name="details">What a reader wants to know beside; null values are left out. Never a secret.</param>
    /// <returns>The event as it will be saved.</returns>
    public Event Record(string type, SubjectProfile by, EventScope place, EventTarget target, params IEnumerable<(string Name, string? Value)> details)
    {
        // Later than the one before, since ids of one millisecond have no order.
        var now = clock.GetUtcNow();
        _last = now > _last ? now : _last.AddTicks(1);
        var happened = new Event
        {
            Id = new(EntityId.New(clock)),
            At = _last,
            Type = type,
            OrganizationId = place.Organization,
            WorkspaceId = place.Workspace,
            DeploymentId = place.Deployment,
            DeployId = place.Deploy,
            By = by,
            TargetType = target.Type,
            TargetId = target.Id,
            TargetName = Cut(target.Name),
            Details = details.Where(detail => detail.Value is not null).ToDictionary(detail => detail.Name, detail => Cut(detail.Value!), StringComparer.Ordinal),
            RequestId = http.HttpContext?.TraceIdentifier,
            IsPending = EventTypes.IsPublished(type),
        };
        db.Events.Add(happened);
        return happened;
    }

    private static string Cut(string text)
    {
        if (text.Length <= MostCharacters)
            return text;
        // Not through the middle of a pair.
        var end = char.IsHighSurrogate(text[MostCharacters - 2]) ? MostCharacters - 2 : MostCharacters - 1;
        return text[..end] + "…";
    }
}
