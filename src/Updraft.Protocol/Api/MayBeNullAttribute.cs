namespace Updraft.Protocol.Api;

/// <summary>Marks a field of a request in which null has a meaning of its own, so that the description lists null.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class MayBeNullAttribute : Attribute;
