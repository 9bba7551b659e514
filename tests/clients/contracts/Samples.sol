// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// An ERC-20 as OpenZeppelin ships it; the deployer gets the supply.
contract Token is ERC20 {
    constructor(string memory name, string memory symbol, uint256 supply) ERC20(name, symbol) {
        _mint(msg.sender, supply);
    }
}

/// An ERC-721 as OpenZeppelin ships it; anyone mints.
contract Nft is ERC721 {
    constructor() ERC721("Sample", "SMP") {}

    function mint(address to, uint256 id) external {
        _mint(to, id);
    }
}

/// Fails in each way that a client decodes, and loops for ever when asked to.
contract Faults {
    error Refused(uint256 code, string why);

    uint256 public count;

    function increment() external {
        count += 1;
    }

    function reason() external pure {
        require(false, "for this reason");
    }

    function custom() external pure {
        revert Refused(7, "custom");
    }

    function panics(uint256 zero) external pure returns (uint256) {
        return 1 / zero;
    }

    function forever() external view returns (uint256 i) {
        while (true) {
            i += block.number;
        }
    }

    function environment() external view returns (uint256, uint256, uint256, bytes32, uint256) {
        return (block.chainid, block.number, block.timestamp, blockhash(block.number - 1), block.prevrandao);
    }
}
