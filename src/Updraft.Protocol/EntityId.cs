using System.Security.Cryptography;

namespace Updraft.Protocol;

/// <summary>A typed identifier. Two kinds of id are two types, so that one cannot be passed for the other.</summary>
/// <typeparam name="TSelf">The id type itself.</typeparam>
public interface IEntityId<TSelf>
    where TSelf : struct, IEntityId<TSelf>
{
    /// <summary>The id as it stands in addresses and JSON.</summary>
    string Value { get; }

    /// <summary>Wraps a value that is already known to be an id. Nothing is checked.</summary>
    static abstract TSelf From(string value);
}

/// <summary>Makes and recognises ids: 25 characters, <c>c</c> and 24 of <c>[a-z0-9]</c>, the shape of Astro's cuids.</summary>
public static class EntityId
{
    /// <summary>Length of every id, in characters.</summary>
    public const int Length = 25;

    private const string Alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
    private const int TimeLength = 9;

    /// <summary>A new id. Ids made later sort after ids made in an earlier millisecond.</summary>
    /// <param name="clock">Where the time comes from.</param>
    public static string New(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        return string.Create(Length, clock.GetUtcNow().ToUnixTimeMilliseconds(), static (id, milliseconds) =>
        {
            id[0] = 'c';
            for (var i = TimeLength; i > 0; i--, milliseconds /= 36)
                id[i] = Alphabet[(int)(milliseconds % 36)];
            RandomNumberGenerator.GetItems(Alphabet, id[(TimeLength + 1)..]);
        });
    }

    /// <summary>Whether a text has the shape of an id.</summary>
    public static bool IsValid(string? value)
    {
        if (value is not { Length: Length } || value[0] != 'c')
            return false;
        foreach (var c in value)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c))
                return false;
        }
        return true;
    }
}

/// <summary>Id of an Organization.</summary>
public readonly record struct OrganizationId(string Value) : IEntityId<OrganizationId>
{
    /// <inheritdoc/>
    public static OrganizationId From(string value) => new(value);

    /// <summary>Route binding: takes any text, since an id that does not exist is a 404 and not a 400.</summary>
    public static bool TryParse(string? value, out OrganizationId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Id of a Workspace.</summary>
public readonly record struct WorkspaceId(string Value) : IEntityId<WorkspaceId>
{
    /// <inheritdoc/>
    public static WorkspaceId From(string value) => new(value);

    /// <summary>Route binding: takes any text, since an id that does not exist is a 404 and not a 400.</summary>
    public static bool TryParse(string? value, out WorkspaceId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Id of a Deployment.</summary>
public readonly record struct DeploymentId(string Value) : IEntityId<DeploymentId>
{
    /// <inheritdoc/>
    public static DeploymentId From(string value) => new(value);

    /// <summary>Route binding: takes any text, since an id that does not exist is a 404 and not a 400.</summary>
    public static bool TryParse(string? value, out DeploymentId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Id of a Deploy.</summary>
public readonly record struct DeployId(string Value) : IEntityId<DeployId>
{
    /// <inheritdoc/>
    public static DeployId From(string value) => new(value);

    /// <summary>Route binding: takes any text, since an id that does not exist is a 404 and not a 400.</summary>
    public static bool TryParse(string? value, out DeployId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Id of an API token or agent token.</summary>
public readonly record struct TokenId(string Value) : IEntityId<TokenId>
{
    /// <inheritdoc/>
    public static TokenId From(string value) => new(value);

    /// <summary>Route binding: takes any text, since an id that does not exist is a 404 and not a 400.</summary>
    public static bool TryParse(string? value, out TokenId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Id of an Agent.</summary>
public readonly record struct AgentId(string Value) : IEntityId<AgentId>
{
    /// <inheritdoc/>
    public static AgentId From(string value) => new(value);

    /// <summary>Route binding: takes any text, since an id that does not exist is a 404 and not a 400.</summary>
    public static bool TryParse(string? value, out AgentId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Id of a Bundle.</summary>
public readonly record struct BundleId(string Value) : IEntityId<BundleId>
{
    /// <inheritdoc/>
    public static BundleId From(string value) => new(value);

    /// <summary>Route binding: takes any text, since an id that does not exist is a 404 and not a 400.</summary>
    public static bool TryParse(string? value, out BundleId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Id of an event.</summary>
public readonly record struct EventId(string Value) : IEntityId<EventId>
{
    /// <inheritdoc/>
    public static EventId From(string value) => new(value);

    /// <inheritdoc cref="OrganizationId.TryParse"/>
    public static bool TryParse(string? value, out EventId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Id of a person.</summary>
public readonly record struct UserId(string Value) : IEntityId<UserId>
{
    /// <inheritdoc/>
    public static UserId From(string value) => new(value);

    /// <inheritdoc cref="OrganizationId.TryParse"/>
    public static bool TryParse(string? value, out UserId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Id of a webhook.</summary>
public readonly record struct WebhookId(string Value) : IEntityId<WebhookId>
{
    /// <inheritdoc/>
    public static WebhookId From(string value) => new(value);

    /// <inheritdoc cref="OrganizationId.TryParse"/>
    public static bool TryParse(string? value, out WebhookId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Id of an event on its way to one webhook.</summary>
public readonly record struct DeliveryId(string Value) : IEntityId<DeliveryId>
{
    /// <inheritdoc/>
    public static DeliveryId From(string value) => new(value);

    /// <inheritdoc cref="OrganizationId.TryParse"/>
    public static bool TryParse(string? value, out DeliveryId id) => (id = new(value ?? "")) is { Value: not "" };

    /// <inheritdoc/>
    public override string ToString() => Value;
}
