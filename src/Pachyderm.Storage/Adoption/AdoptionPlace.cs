using Pachyderm.ObjectStores;

namespace Pachyderm.Storage.Adoption;

/// <summary>Where a store of an older release is, as <see cref="AdoptionFile"/> keeps it.</summary>
/// <param name="Name">Its short name; see <see cref="AdoptionSource.IsName"/>.</param>
/// <param name="Path">The directory that holds <c>object</c> and <c>block</c>; absolute.</param>
public sealed record AdoptionPlace(string Name, string Path)
{
    /// <summary>Whether it may go; see <see cref="AdoptionSource.Released"/>.</summary>
    public bool Released { get; init; }

    /// <summary>What a store is opened with. Nothing is looked at, so it may be missing.</summary>
    public AdoptionSource Open() => new(Name, new LocalObjectStore(Path)) { Released = Released };
}
