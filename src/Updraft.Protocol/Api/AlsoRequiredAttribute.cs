namespace Updraft.Protocol.Api;

/// <summary>Names inherited properties that this record requires, although its base record does not.</summary>
/// <param name="fields">Names of the properties.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class AlsoRequiredAttribute(params string[] fields) : Attribute
{
    /// <summary>Names of the required properties, as in C#.</summary>
    public IReadOnlyList<string> Fields { get; } = fields;
}
