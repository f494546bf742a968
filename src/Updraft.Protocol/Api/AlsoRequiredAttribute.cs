namespace Updraft.Protocol.Api;

/// <summary>Inherited fields that this record needs though the one that it extends does not.</summary>
/// <param name="fields">Names of the properties.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class AlsoRequiredAttribute(params string[] fields) : Attribute
{
    /// <summary>Names of the properties.</summary>
    public IReadOnlyList<string> Fields { get; } = fields;
}
