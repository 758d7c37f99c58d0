// fast-check draws about ten items whatever `maxLength` says, unless told that a stated length is meant.

import fc from 'fast-check';

fc.configureGlobal({ defaultSizeToMaxWhenMaxSpecified: true });
